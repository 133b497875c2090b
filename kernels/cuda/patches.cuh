#pragma once
#include "kernels/cuda/work.cuh"

namespace snag {

constexpr int kPatchBlock = 256;

// One warp: the mean of one patch. Lanes go over its elements, the channels of a row of pixels being neighbours.
struct PatchMeans {
  static constexpr int threads = kPatchBlock, resident = 1;
  PatchMean k;
  Grid grid;
  __device__ void run(Place at) const {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int i = at.x * (kPatchBlock / 32) + static_cast<int>(threadIdx.x) / 32;
    if (i >= k.size()) return;  // a whole warp
    const Index to = index(k.y.shape, i);
    const Shape s = k.x.shape;
    const int line = k.patch * s.c, size = k.patch * line;
    const float* const first = k.x.data + offset(s, to.n, 0, to.h * k.stride, to.w * k.stride);
    float own = 0;
    for (int e = lane; e < size; e += 32) own += first[e / line * s.w * s.c + e % line];
    double sum = own;
    for (int d = 16; d > 0; d /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, d);
    if (lane == 0) k.y.data[i] = static_cast<float>(sum / size);
  }
};

}  // namespace snag
