#pragma once
#include <optional>
#include <span>

namespace snag {

// The mean of a few independent measurements and how well they determine it.
struct Estimate {
  int n = 0;
  double mean = 0;
  // Half the width of the two-sided 95 % confidence interval, t(0.975; n - 1) s / sqrt(n), s with divisor n - 1
  // (Student 1908). None for fewer than two measurements: they say nothing about their spread.
  std::optional<double> half;
};

// `values` is not empty; else throws std::logic_error.
Estimate estimate(std::span<const double> values);

}  // namespace snag
