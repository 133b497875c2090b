#pragma once
#include <cstdint>

#include "kernels/cuda/launch.cuh"

namespace snag {

// Four elements at once; x + i must be aligned.
__device__ inline float4& four(float* x, int i) { return *reinterpret_cast<float4*>(x + i); }
__device__ inline const float4& four(const float* x, int i) { return *reinterpret_cast<const float4*>(x + i); }

// Of memory on the device that no thread writes meanwhile.
__device__ inline float4 read_four(const float* x) {
#ifdef __CUDACC__
  return __ldg(reinterpret_cast<const float4*>(x));
#else
  return four(x, 0);
#endif
}

template <class... Pointers>
HD bool aligned(Pointers... p) {
  return ((reinterpret_cast<std::uintptr_t>(p) % 16 == 0) && ...);
}

__device__ inline void fma_four(float a, float4 b, float4& sum) {
  sum.x = fmaf(a, b.x, sum.x), sum.y = fmaf(a, b.y, sum.y), sum.z = fmaf(a, b.z, sum.z), sum.w = fmaf(a, b.w, sum.w);
}

}  // namespace snag
