#pragma once
#include <cstdint>
#include <vector>

#include "data/distances.h"

namespace snag {

// First centres [k, dim] for k-means, as kmeans.h states it: greedy k-means++.
std::vector<float> first_centres(const Points& points, int k, std::uint64_t seed, std::uint32_t sub, int threads);

}  // namespace snag
