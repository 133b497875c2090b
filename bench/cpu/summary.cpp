#include "bench/cpu/summary.h"

#include <cmath>

namespace snag::bench {
namespace {

// `value` of each row, where it has one.
template <class Value>
std::optional<Summary> summary(const std::vector<Row>& rows, const Value& value) {
  Summary s;
  double logs = 0;
  for (const Row& r : rows) {
    const std::optional<double> x = value(r);
    if (!x) continue;
    logs += std::log(*x);
    if (s.rows++ == 0 || *x < s.worst) {
      s.worst = *x;
      s.at = r.kernel;
      s.at.append(" ").append(r.what);
    }
  }
  if (s.rows == 0) return {};
  s.mean = std::exp(logs / s.rows);
  return s;
}

}  // namespace

std::optional<Summary> against_peer(const std::vector<Row>& rows, int batch) {
  return summary(rows, [=](const Row& r) { return r.convolution && r.batch == batch ? r.ratio() : std::nullopt; });
}

std::optional<Summary> share_of_peak(const std::vector<Row>& rows, int batch, double peak) {
  return summary(rows, [=](const Row& r) {
    return r.body && r.batch == batch ? std::optional(r.flops / (r.ours.us * 1e-6) / peak) : std::nullopt;
  });
}

double total_share_of_peak(const std::vector<Row>& rows, int batch, double peak) {
  double flops = 0, time = 0;
  for (const Row& r : rows)
    if (r.body && r.batch == batch) flops += r.flops, time += r.ours.us * 1e-6;
  return time > 0 ? flops / time / peak : 0;
}

}  // namespace snag::bench
