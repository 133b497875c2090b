#include "models/confidence.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <random>

namespace snag {
namespace {

constexpr std::size_t kTimes = 400, kGrid = 100;

// Images by kind, each as the number of its score among the different ones, the highest first.
struct Ranks {
  std::array<std::vector<std::size_t>, 2> of_kind;
  std::size_t count = 0;
};

Ranks rank(std::span<const float> score, std::span<const std::uint8_t> anomaly) {
  std::vector<std::size_t> order(score.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return score[a] > score[b]; });
  Ranks ranks;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || score[order[i]] != score[order[i - 1]]) ++ranks.count;
    ranks.of_kind[anomaly[order[i]]].push_back(ranks.count - 1);
  }
  return ranks;
}

// What one set of images says.
struct Curves {
  std::array<double, kGrid + 1> hits{}, precision{};  // at shares 0, 0.01, .. 1
  double auroc = 0, average_precision = 0;
};

Curves curves(const std::array<std::vector<double>, 2>& count, double normals, double anomalies) {
  Curves c;
  double alarms = 0, hits = 0;
  std::size_t at_alarms = 0, at_hits = 1;
  for (std::size_t r = 0; r < count[0].size(); ++r) {
    const double x0 = alarms / normals, y0 = hits / anomalies;
    alarms += count[0][r];
    hits += count[1][r];
    const double x1 = alarms / normals, y1 = hits / anomalies;
    c.auroc += (x1 - x0) * (y0 + y1) / 2;
    if (hits + alarms > 0) c.average_precision += (y1 - y0) * hits / (hits + alarms);
    for (; at_alarms <= kGrid && static_cast<double>(at_alarms) / kGrid < x1; ++at_alarms) {
      const double x = static_cast<double>(at_alarms) / kGrid;
      c.hits[at_alarms] = x1 > x0 ? y0 + (y1 - y0) * (x - x0) / (x1 - x0) : y1;
    }
    for (; at_hits <= kGrid && static_cast<double>(at_hits) / kGrid <= y1 + 1e-12; ++at_hits)
      c.precision[at_hits] = hits / (hits + alarms);
  }
  for (; at_alarms <= kGrid; ++at_alarms) c.hits[at_alarms] = 1;
  return c;
}

Interval interval(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) { return values[static_cast<std::size_t>(share * (kTimes - 1) + 0.5)]; };
  return {at(0.025), at(0.975)};
}

template <class F>
Interval interval_of(const std::vector<Curves>& all, F f) {
  std::vector<double> values;
  for (const Curves& c : all) values.push_back(f(c));
  return interval(std::move(values));
}

}  // namespace

Confidence bootstrap(std::span<const float> score, std::span<const std::uint8_t> anomaly) {
  const Ranks ranks = rank(score, anomaly);
  const auto normals = static_cast<double>(ranks.of_kind[0].size()),
             anomalies = static_cast<double>(ranks.of_kind[1].size());
  std::mt19937_64 random(1);
  std::vector<Curves> all;
  for (std::size_t t = 0; t < kTimes; ++t) {
    std::array<std::vector<double>, 2> count{std::vector<double>(ranks.count), std::vector<double>(ranks.count)};
    for (const std::size_t kind : {0, 1}) {
      const std::vector<std::size_t>& from = ranks.of_kind[kind];
      // Multiply-shift: the bias is below size / 2^32.
      for (std::size_t i = 0; i < from.size(); ++i) ++count[kind][from[(random() >> 32) * from.size() >> 32]];
    }
    all.push_back(curves(count, normals, anomalies));
  }
  Confidence c;
  const auto add = [](Band& band, double x, Interval y) {
    band.low.push_back({x, y.low});
    band.high.push_back({x, y.high});
  };
  for (std::size_t i = 0; i <= kGrid; ++i) {
    const double x = static_cast<double>(i) / kGrid;
    add(c.roc, x, interval_of(all, [i](const Curves& k) { return k.hits[i]; }));
    if (i > 0) add(c.precision_recall, x, interval_of(all, [i](const Curves& k) { return k.precision[i]; }));
  }
  c.auroc = interval_of(all, [](const Curves& k) { return k.auroc; });
  c.average_precision = interval_of(all, [](const Curves& k) { return k.average_precision; });
  return c;
}

}  // namespace snag
