#pragma once
#include <cstdint>
#include <vector>

#include "data/images.h"
#include "data/one_vs_rest.h"

namespace snag {

// Deals `total` items one at a time, round-robin from the first, to holders that take at most room[i] each; full ones
// are passed over. Returns each one's share; all rooms when `total` is more than they hold.
std::vector<int> deal(const std::vector<int>& room, int total);

struct ClusterSample {
  std::vector<int> chosen;            // values of `pool`, ascending
  std::vector<ClusterDraw> clusters;  // empty when there was nothing to choose
};

// `count` of the images whose indices are in `pool`: k-means on their pixels, then shares dealt to the clusters, and
// within a cluster the order of one permutation of the pool. `sub` keeps the draws of several pools apart.
ClusterSample sample_by_cluster(const Images& images, const std::vector<int>& pool, int count, int clusters,
                                std::uint64_t seed, std::uint32_t sub, int threads);

// `count` of the values of `pool`, ascending: the first of a permutation.
std::vector<int> sample_at_random(const std::vector<int>& pool, int count, std::uint64_t seed, std::uint32_t sub);

}  // namespace snag
