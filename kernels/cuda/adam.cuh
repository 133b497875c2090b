#pragma once
#include "kernels/cuda/bf16.cuh"
#include "kernels/cuda/fours.cuh"
#include "kernels/cuda/work.cuh"

namespace snag {

// A thread's four elements are read and written at once where memory allows it. What all elements have in common takes
// powers and a cosine in double, so one thread of a block computes it.
constexpr int kAdamBlock = 256;

// Gradients lie wherever their ops left them: four elements may come from several.
__device__ inline float4 four_gradients(const Gradients& g, int i) {
  int k = g.holder(i);
  const int begin = i - g.begin[k];
  const float *data = g.data[k] + begin, *more = g.more[k] ? g.more[k] + begin : nullptr;
  if (i + 3 < g.begin[k + 1] && aligned(data, more)) {
    float4 x = four(data, 0);
    if (more) {
      const float4 y = four(more, 0);
      x.x += y.x, x.y += y.y, x.z += y.z, x.w += y.w;
    }
    return x;
  }
  float x[4];
  UNROLL
  for (int j = 0; j < 4; ++j) {
    while (g.begin[k + 1] <= i + j) ++k;
    x[j] = g.of(k, i + j - g.begin[k]);
  }
  return {x[0], x[1], x[2], x[3]};
}

__device__ inline void average_four(const Adam& k, int i, float4 w, Adam::Scales s) {
  const float4 a = four(k.average.data, i);
  four(k.average.data, i) = {Adam::averaged(a.x, w.x, s), Adam::averaged(a.y, w.y, s), Adam::averaged(a.z, w.z, s),
                             Adam::averaged(a.w, w.w, s)};
}

struct AdamStep {
  static constexpr int threads = kAdamBlock, resident = 1;
  Adam k;
  Grid grid;
  Bf16Copy also{};
  // What is updated in fours.
  View output() const { return {k.w.data, {.c = k.trained() / 4 * 4}}; }
  __device__ void run(Place at) const {
    SHARED(Adam::Scales, scales, [1]);
    if (threadIdx.x == 0) scales[0] = k.scales();
    __syncthreads();
    const Adam::Scales s = scales[0];
    const int size = k.size(), trained = k.trained(), stride = grid.x * kAdamBlock * 4;
    for (int i = 4 * (at.x * kAdamBlock + static_cast<int>(threadIdx.x)); i < size; i += stride) {
      if (i + 3 < trained) {
        const float4 g = four_gradients(k.g, i);
        float4 w = four(k.w.data, i), m = four(k.m.data, i), v = four(k.v.data, i);
        k.update(w.x, m.x, v.x, g.x, s);
        k.update(w.y, m.y, v.y, g.y, s);
        k.update(w.z, m.z, v.z, g.z, s);
        k.update(w.w, m.w, v.w, g.w, s);
        store_four(k.w.data, also, i, w);
        four(k.m.data, i) = m, four(k.v.data, i) = v;
        if (k.average.data) average_four(k, i, w, s);
      } else {
        for (int j = i; j < i + 4 && j < size; ++j) k.update(j, s);
      }
    }
  }
};

}  // namespace snag
