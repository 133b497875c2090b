#pragma once
#include "kernels/cuda/work.cuh"

namespace snag {

constexpr int kPortableBlock = 256;

// The portable form of any kernel: a thread computes elements that lie a block apart.
template <class K>
struct Portable {
  static constexpr int threads = kPortableBlock, resident = 1;
  K k;
  int each;  // elements a thread
  Grid grid;
  __device__ void run(Place at) const {
    const int size = k.size(), first = at.x * kPortableBlock * each + static_cast<int>(threadIdx.x);
    for (int j = 0; j < each; ++j)
      if (const int i = first + j * kPortableBlock; i < size) k(i);
  }
};

// One element a thread until the device is full, then up to four.
template <class K>
void launch_portable(Cuda& cuda, const K& k) {
  const int blocks = ceil_div(k.size(), kPortableBlock), each = std::clamp(blocks / (8 * cuda.multiprocessors), 1, 4);
  run(cuda, Portable<K>{.k = k, .each = each, .grid = {ceil_div(blocks, each)}});
}

}  // namespace snag
