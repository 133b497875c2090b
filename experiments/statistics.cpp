#include "experiments/statistics.h"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace snag {

Estimate estimate(std::span<const double> values) {
  if (values.empty()) throw std::logic_error("the mean of no values");
  Estimate e{.n = static_cast<int>(values.size()), .mean = 0, .half = {}};
  e.mean = std::accumulate(values.begin(), values.end(), 0.0) / e.n;
  if (e.n < 2) return e;
  double squares = 0;
  for (const double v : values) squares += (v - e.mean) * (v - e.mean);
  const boost::math::students_t distribution(e.n - 1);
  e.half = boost::math::quantile(distribution, 0.975) * std::sqrt(squares / (e.n - 1) / e.n);
  return e;
}

}  // namespace snag
