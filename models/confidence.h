#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "base/plot.h"

namespace snag {

// How far the curves of a run would move with other test images: 95 % intervals by the stratified bootstrap (Efron
// 1979). 400 times as many normal and as many anomalous images are drawn anew with replacement, always the same ones;
// an interval goes from the 2.5 % to the 97.5 % quantile, point by point.
struct Band {
  std::vector<Point> low, high;
};
struct Interval {
  double low, high;
};
struct Confidence {
  Band roc;               // share of anomalies reported over the share of normal images reported, 0, 0.01, .. 1
  Band precision_recall;  // precision over recall, 0.01, 0.02, .. 1
  Interval auroc, average_precision;
};

// score, anomaly [n]: both kinds occur and no score is NaN.
Confidence bootstrap(std::span<const float> score, std::span<const std::uint8_t> anomaly);

}  // namespace snag
