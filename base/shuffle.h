#pragma once
#include <numeric>
#include <utility>
#include <vector>

#include "base/random.h"

namespace snag {

// A permutation of 0 .. n-1 (Fisher-Yates), a function of (seed, stream, sub) alone.
inline std::vector<int> permutation(int n, std::uint64_t seed, Stream stream, std::uint32_t sub) {
  std::vector<int> p(static_cast<std::size_t>(n));
  std::iota(p.begin(), p.end(), 0);
  for (int i = n - 1; i > 0; --i) {
    const int j = philox(seed, stream, sub, static_cast<std::uint64_t>(i)).below(0, i + 1);
    std::swap(p[static_cast<std::size_t>(i)], p[static_cast<std::size_t>(j)]);
  }
  return p;
}

}  // namespace snag
