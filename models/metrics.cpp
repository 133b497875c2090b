#include "models/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <numeric>
#include <string>

#include "base/error.h"

namespace snag {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error(Exit::data, "metrics: " + what); }

void check_scores(std::span<const float> score, std::size_t labels) {
  if (score.size() != labels) {
    refuse(std::to_string(score.size()) + " scores, but " + std::to_string(labels) +
           " labels; give one of each a sample");
  }
  const auto nan = std::find_if(score.begin(), score.end(), [](float s) { return std::isnan(s); });
  if (nan != score.end()) {
    refuse("score " + std::to_string(nan - score.begin()) + " is NaN; the detector has diverged, train it again");
  }
}

// Samples by kind. Counts are doubles: exact below 2^53, and the formulas divide them.
struct Counts {
  double normal = 0, anomalous = 0;
};

Counts check(std::span<const float> score, std::span<const std::uint8_t> anomaly) {
  check_scores(score, anomaly.size());
  std::array<double, 2> count{};
  for (const std::uint8_t flag : anomaly) {
    if (flag > 1) {
      refuse("an anomaly flag is " + std::to_string(flag) + "; give 0 (normal) or 1 (anomaly), not classes");
    }
    ++count[flag];
  }
  if (count[0] == 0 || count[1] == 0) {
    refuse("all " + std::to_string(score.size()) + " samples are of one kind; give normal and anomalous ones");
  }
  return {count[0], count[1]};
}

// Calls group(indices) for each set of equal scores, from the lowest score up.
template <typename Group>
void for_each_tie(std::span<const float> score, Group group) {
  std::vector<std::size_t> order(score.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return score[a] < score[b]; });
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && score[order[end]] == score[order[begin]]) {
      ++end;
    }
    group(std::span<const std::size_t>(order).subspan(begin, end - begin));
    begin = end;
  }
}

// Normal and anomalous samples with the score `threshold`.
struct Step {
  float threshold;
  Counts count;
};

std::vector<Step> steps_from_the_top(std::span<const float> score, std::span<const std::uint8_t> anomaly) {
  std::vector<Step> steps;
  for_each_tie(score, [&](std::span<const std::size_t> tie) {
    Step step{score[tie.front()], {}};
    for (const std::size_t i : tie) {
      ++(anomaly[i] != 0 ? step.count.anomalous : step.count.normal);
    }
    steps.push_back(step);
  });
  std::reverse(steps.begin(), steps.end());
  return steps;
}

// Samples with score >= threshold.
Counts alarms(std::span<const float> score, std::span<const std::uint8_t> anomaly, float threshold) {
  if (std::isnan(threshold)) {
    refuse("the threshold is NaN; choose one on validation data");
  }
  Counts found;
  for (std::size_t i = 0; i < score.size(); ++i) {
    if (score[i] >= threshold) {
      ++(anomaly[i] != 0 ? found.anomalous : found.normal);
    }
  }
  return found;
}

}  // namespace

std::map<int, double> auroc_per_class(std::span<const float> score, std::span<const std::uint8_t> label,
                                      const std::vector<int>& normal_classes) {
  check_scores(score, label.size());
  constexpr std::size_t classes = 256;
  std::array<bool, classes> normal{};
  for (const int c : normal_classes) {
    if (c < 0 || c >= static_cast<int>(classes)) {
      refuse("normal class " + std::to_string(c) + "; give classes in 0 .. 255");
    }
    normal[static_cast<std::size_t>(c)] = true;
  }
  // wins[c]: twice the pairs (sample of c, normal sample) in which c scores higher, plus the tied pairs.
  std::array<double, classes> wins{}, count{};
  double normals = 0;
  for_each_tie(score, [&](std::span<const std::size_t> tie) {
    double tied = 0;
    for (const std::size_t i : tie) {
      tied += normal[label[i]] ? 1 : 0;
    }
    for (const std::size_t i : tie) {
      wins[label[i]] += 2 * normals + tied;
      ++count[label[i]];
    }
    normals += tied;
  });
  std::map<int, double> result;
  for (std::size_t c = 0; c < classes; ++c) {
    if (count[c] > 0 && !normal[c]) {
      result[static_cast<int>(c)] = wins[c] / (2 * count[c] * normals);
    }
  }
  if (normals == 0 || result.empty()) {
    refuse("all " + std::to_string(score.size()) + " samples are of one kind; give normal and anomalous ones");
  }
  return result;
}

bool both_kinds(std::span<const std::uint8_t> anomaly) {
  return std::count(anomaly.begin(), anomaly.end(), 0) > 0 && std::count(anomaly.begin(), anomaly.end(), 1) > 0;
}

double auroc(std::span<const float> score, std::span<const std::uint8_t> anomaly) {
  check(score, anomaly);
  return auroc_per_class(score, anomaly, {0}).at(1);
}

double average_precision(std::span<const float> score, std::span<const std::uint8_t> anomaly) {
  const Counts all = check(score, anomaly);
  double sum = 0, found = 0, alarmed = 0;
  for (const Step& step : steps_from_the_top(score, anomaly)) {
    found += step.count.anomalous;
    alarmed += step.count.anomalous + step.count.normal;
    sum += step.count.anomalous * (found / alarmed);
  }
  return sum / all.anomalous;  // divided once: never above 1
}

BestF1 best_f1(std::span<const float> score, std::span<const std::uint8_t> anomaly) {
  const Counts all = check(score, anomaly);
  // F1 = 2 TP / (anomalies + alarms), kept as a fraction so that ties are exact. From the top, an equal one does not
  // win.
  double best_found = 0, best_sum = 1, found = 0, alarmed = 0;
  float threshold = 0;
  for (const Step& step : steps_from_the_top(score, anomaly)) {
    found += step.count.anomalous;
    alarmed += step.count.anomalous + step.count.normal;
    const double sum = all.anomalous + alarmed;
    if (found * best_sum > best_found * sum) {
      best_found = found;
      best_sum = sum;
      threshold = step.threshold;
    }
  }
  return {2 * best_found / best_sum, threshold};
}

float threshold_at(std::span<const float> score, double rate) {
  if (score.empty()) throw Error(Exit::data, "no normal validation score to set a threshold by");
  std::vector<float> sorted(score.begin(), score.end());
  if (std::any_of(sorted.begin(), sorted.end(), [](float s) { return std::isnan(s); }))
    throw Error(Exit::data, "a validation score is NaN: train again");
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  const auto allowed = static_cast<std::size_t>(std::floor(rate * static_cast<double>(sorted.size())));
  if (allowed >= sorted.size()) return sorted.back();
  return std::nextafter(sorted[allowed], std::numeric_limits<float>::infinity());
}

BestBalanced best_balanced_accuracy(std::span<const float> score, std::span<const std::uint8_t> anomaly) {
  const Counts all = check(score, anomaly);
  // Twice anomalies x normals x (accuracy - 1/2), a whole number: found anomalies x normals - alarmed normals x
  // anomalies.
  double best = -all.normal * all.anomalous - 1, found = 0, false_alarms = 0;
  float threshold = 0;
  for (const Step& step : steps_from_the_top(score, anomaly)) {
    found += step.count.anomalous;
    false_alarms += step.count.normal;
    const double gain = found * all.normal - false_alarms * all.anomalous;
    if (gain > best) {
      best = gain;
      threshold = step.threshold;
    }
  }
  return {balanced_accuracy(score, anomaly, threshold), threshold};
}

double f1_at(std::span<const float> score, std::span<const std::uint8_t> anomaly, float threshold) {
  const Counts all = check(score, anomaly), found = alarms(score, anomaly, threshold);
  return 2 * found.anomalous / (all.anomalous + found.anomalous + found.normal);
}

double balanced_accuracy(std::span<const float> score, std::span<const std::uint8_t> anomaly, float threshold) {
  const Counts all = check(score, anomaly), found = alarms(score, anomaly, threshold);
  return (found.anomalous / all.anomalous + (all.normal - found.normal) / all.normal) / 2;
}

}  // namespace snag
