#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace snag {

// How well scores separate anomalies from normal samples. A higher score is more anomalous; the anomaly is the positive
// class. score [n]; anomaly [n], 0 or 1. All take O(n log n) at most and treat equal scores as one threshold, so no
// result depends on the order of the samples. Error of Exit::data when the lengths differ, a score or a threshold is
// NaN (infinities are ranked), a flag is neither 0 nor 1, or one of the two classes is absent.

// Are both normal samples and anomalies there? If not, nothing below but threshold_at can be computed.
bool both_kinds(std::span<const std::uint8_t> anomaly);

// Area under the ROC curve: the chance that an anomaly scores higher than a normal sample, ties counted half
// (Mann-Whitney U / (anomalies * normals)). Exact to the rounding of the last division.
double auroc(std::span<const float> score, std::span<const std::uint8_t> anomaly);

// auroc of each class against all samples of the normal classes; score [n], label [n]. At least one sample of a normal
// class and one other are needed. Classes without samples are absent from the result.
std::map<int, double> auroc_per_class(std::span<const float> score, std::span<const std::uint8_t> label,
                                      const std::vector<int>& normal_classes);

// Sum over the thresholds, from the highest score down, of (recall - previous recall) * precision: scikit-learn's
// average_precision_score, without interpolation.
double average_precision(std::span<const float> score, std::span<const std::uint8_t> anomaly);

struct BestF1 {
  double f1;
  float threshold;
};

// The threshold t, one of the scores, whose rule "score >= t" has the highest F1. Among thresholds of equal F1
// (compared exactly, as fractions) the highest t wins: fewest alarms.
BestF1 best_f1(std::span<const float> score, std::span<const std::uint8_t> anomaly);

// The lowest threshold t with at most `rate` of the (normal) scores at or above it. 0 <= rate <= 1; scores are not
// NaN and at least one: Error of Exit::data. Where rate is below 1 / n, t lies just above the highest score.
float threshold_at(std::span<const float> score, double rate);

struct BestBalanced {
  double accuracy;
  float threshold;
};

// The same for balanced accuracy, which counts both kinds alike however many there are of each.
BestBalanced best_balanced_accuracy(std::span<const float> score, std::span<const std::uint8_t> anomaly);

// F1 of "score >= threshold": 2 TP / (2 TP + FP + FN).
double f1_at(std::span<const float> score, std::span<const std::uint8_t> anomaly, float threshold);

// Mean of the shares of anomalies with score >= threshold and of normal samples below it.
double balanced_accuracy(std::span<const float> score, std::span<const std::uint8_t> anomaly, float threshold);

}  // namespace snag
