#pragma once
#include <Random123/philox.h>

#include <cstdint>

#include "base/host_device.h"

namespace snag {

// Counter-based random numbers (Philox 4x32-10; Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
// Every draw is a pure function of (seed, stream, counter): equal on host and device, nothing to save but the counter.

// One stream per purpose, so that no two purposes share numbers.
enum class Stream : std::uint32_t { init = 1, order, augment, dropout, sample, validation, kmeans, score, rotation };

struct Draw {
  std::uint32_t word[4];
  // uniform in [0, 1), 24 bits: exact in float and in double
  HD float uniform(int i) const { return static_cast<float>(word[i] >> 8) * 0x1p-24f; }
  // uniform in 0 .. n-1 (multiply-shift: bias below n / 2^32)
  HD int below(int i, int n) const {
    return static_cast<int>((static_cast<std::uint64_t>(word[i]) * static_cast<std::uint64_t>(n)) >> 32);
  }
};

// `stream` may carry a sub-stream (an epoch, a parameter) in `sub`.
HD inline Draw philox(std::uint64_t seed, Stream stream, std::uint32_t sub, std::uint64_t counter) {
  r123::Philox4x32 generator;
  r123::Philox4x32::ctr_type c = {{static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32), sub,
                                   static_cast<std::uint32_t>(stream)}};
  r123::Philox4x32::key_type k = {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  const r123::Philox4x32::ctr_type r = generator(c, k);
  return {{r[0], r[1], r[2], r[3]}};
}

}  // namespace snag
