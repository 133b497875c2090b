#include "data/sampling.h"

#include <algorithm>
#include <numeric>

#include "base/shuffle.h"
#include "data/kmeans.h"

namespace snag {

std::vector<int> deal(const std::vector<int>& room, int total) {
  std::vector<int> share(room.size(), 0);
  std::vector<std::size_t> open(room.size());
  std::iota(open.begin(), open.end(), std::size_t{0});
  for (;;) {
    std::erase_if(open, [&](std::size_t i) { return share[i] >= room[i]; });
    if (open.empty() || total <= 0) return share;
    // As many whole rounds as everyone left can take, or one last round that does not reach them all.
    int rounds = total / static_cast<int>(open.size());
    for (const std::size_t i : open) rounds = std::min(rounds, room[i] - share[i]);
    if (rounds == 0) {
      for (int j = 0; j < total; ++j) ++share[open[static_cast<std::size_t>(j)]];
      return share;
    }
    for (const std::size_t i : open) share[i] += rounds;
    total -= rounds * static_cast<int>(open.size());
  }
}

std::vector<int> sample_at_random(const std::vector<int>& pool, int count, std::uint64_t seed, std::uint32_t sub) {
  std::vector<int> chosen;
  for (const int position : permutation(static_cast<int>(pool.size()), seed, Stream::sample, sub)) {
    if (static_cast<int>(chosen.size()) == count) break;
    chosen.push_back(pool[static_cast<std::size_t>(position)]);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

ClusterSample sample_by_cluster(const Images& images, const std::vector<int>& pool, int count, int clusters,
                                std::uint64_t seed, std::uint32_t sub, int threads) {
  const int n = static_cast<int>(pool.size());
  if (count <= 0) return {};
  if (count >= n) return {pool, {}};

  const int dim = images.height * images.width * images.channels;
  std::vector<float> points;
  points.reserve(pool.size() * static_cast<std::size_t>(dim));
  for (const int i : pool) {
    const auto image = images.image(i);
    points.insert(points.end(), image.begin(), image.end());
  }
  const std::vector<int> label = kmeans(points, n, dim, std::min(clusters, n), seed, sub, 300, threads).label;

  std::vector<int> size(static_cast<std::size_t>(std::min(clusters, n)), 0);
  for (const int l : label) ++size[static_cast<std::size_t>(l)];
  std::vector<int> left = deal(size, count);
  ClusterSample sample;
  for (std::size_t j = 0; j < size.size(); ++j) sample.clusters.push_back({size[j], left[j]});
  for (const int position : permutation(n, seed, Stream::sample, sub)) {
    int& wanted = left[static_cast<std::size_t>(label[static_cast<std::size_t>(position)])];
    if (wanted == 0) continue;
    --wanted;
    sample.chosen.push_back(pool[static_cast<std::size_t>(position)]);
  }
  std::sort(sample.chosen.begin(), sample.chosen.end());
  return sample;
}

}  // namespace snag
