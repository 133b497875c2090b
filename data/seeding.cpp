#include "data/seeding.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/random.h"
#include "data/at.h"

namespace snag {
namespace {

double total(const std::vector<float>& weight) { return std::accumulate(weight.begin(), weight.end(), 0.0); }

// A point drawn with a chance in proportion to its weight; the first when all weights are 0.
int draw_by_weight(const std::vector<float>& weight, double sum_of_all, const Draw& draw) {
  const int n = static_cast<int>(weight.size());
  const std::uint64_t bits = std::uint64_t{draw.word[0]} << 32 | draw.word[1];
  const double wanted = static_cast<double>(bits >> 11) * 0x1p-53 * sum_of_all;
  double sum = 0;
  int last = 0;  // point with a weight above 0: rounding may leave `sum` just below `wanted`
  for (int i = 0; i < n; ++i) {
    if (weight[at(i)] <= 0) continue;
    last = i;
    sum += weight[at(i)];
    if (sum > wanted) break;
  }
  return last;
}

}  // namespace

std::vector<float> first_centres(const Points& points, int k, std::uint64_t seed, std::uint32_t sub, int threads) {
  const int trials = 2 + static_cast<int>(std::log(k));
  std::vector<float> closest(at(points.n), std::numeric_limits<float>::max());  // squared, to the nearest centre
  std::vector<std::vector<float>> with(at(trials), closest);                    // the same, with a candidate added
  std::vector<int> candidate(at(trials));
  std::vector<float> centres;
  CentreTable table(points.dim);
  std::uint64_t counter = 0;
  for (int j = 0; j < k; ++j) {
    const int tried = j == 0 ? 1 : trials;
    const double sum = total(closest);
    for (int t = 0; t < tried; ++t) {
      const Draw draw = philox(seed, Stream::kmeans, sub, counter++);
      candidate[at(t)] = j == 0 ? draw.below(0, points.n) : draw_by_weight(closest, sum, draw);
    }
    table.fill(at(tried), [&](std::size_t t) { return points[candidate[t]]; });
    each_point(
        points, table, threads, [](int) { return true; },
        [&](int i, const float* row) {
          for (int t = 0; t < tried; ++t)
            with[at(t)][at(i)] = std::min(closest[at(i)], std::max(0.0F, row[t] + points.norm[at(i)]));
        });
    int best = 0;
    double best_total = total(with[0]);
    for (int t = 1; t < tried; ++t) {
      const double t_total = total(with[at(t)]);
      if (t_total < best_total) {
        best = t;
        best_total = t_total;
      }
    }
    closest.swap(with[at(best)]);
    const float* chosen = points[candidate[at(best)]];
    centres.insert(centres.end(), chosen, chosen + points.dim);
  }
  return centres;
}

}  // namespace snag
