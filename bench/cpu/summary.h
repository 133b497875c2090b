#pragma once
#include <optional>
#include <string>
#include <vector>

#include "bench/cpu/report.h"

namespace snag::bench {

// Some rows in one number.
struct Summary {
  int rows = 0;
  double mean = 0;  // geometric
  double worst = 0;
  std::string at = {};  // the worst
};

// The peer's time over ours, of convolutions at one batch; nothing where none has a peer.
std::optional<Summary> against_peer(const std::vector<Row>&, int batch);

// Nominal operations a second over the peak, of body layers at one batch.
std::optional<Summary> share_of_peak(const std::vector<Row>&, int batch, double peak);

// The same of all those rows together: their operations over the time of all.
double total_share_of_peak(const std::vector<Row>&, int batch, double peak);

}  // namespace snag::bench
