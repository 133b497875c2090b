#pragma once
#include "kernels/cuda/reduce.cuh"

namespace snag {

// The mean of an image's largest elements: its row in shared memory, which every thread reads to the end. One block an
// image.
constexpr int kTopBlock = 256;
constexpr int kTopRow = 4096;  // longer rows are left to the portable form: the work is quadratic anyway

__device__ inline void load_row(const float* x, int m, float* to) {
  for (int i = static_cast<int>(threadIdx.x); i < m; i += kTopBlock) to[i] = x[i];
  __syncthreads();
}

struct LargestMean {
  static constexpr int threads = kTopBlock, resident = 1;
  TopMean k;
  Grid grid;
  // the sums of the threads, then the row
  static std::size_t shared(int m) { return sizeof(Sums<1>) * kTopBlock + sizeof(float) * static_cast<std::size_t>(m); }
  __device__ void run(Place at) const {
    DYN_SHARED(Sums<1>, parts);
    float* const row = reinterpret_cast<float*>(parts + kTopBlock);
    const int m = k.x.shape.image();
    load_row(k.x.data + at.x * m, m, row);
    Sums<1> own{};
    for (int i = static_cast<int>(threadIdx.x); i < m; i += kTopBlock)
      if (among_largest(row, m, i, k.count)) own.sum[0] += row[i];
    combine<kTopBlock>(own, parts, 1);
    if (threadIdx.x == 0) k.y.data[at.x] = static_cast<float>(parts[0].sum[0] / k.count);
  }
};

struct LargestMeanGrad {
  static constexpr int threads = kTopBlock, resident = 1;
  TopMeanGrad k;
  Grid grid;
  static std::size_t shared(int m) { return sizeof(float) * static_cast<std::size_t>(m); }
  __device__ void run(Place at) const {
    DYN_SHARED(float, row);
    const int m = k.x.shape.image();
    load_row(k.x.data + at.x * m, m, row);
    const float share = k.dy.data[at.x] / static_cast<float>(k.count);
    for (int i = static_cast<int>(threadIdx.x); i < m; i += kTopBlock)
      k.dx.data[at.x * m + i] = among_largest(row, m, i, k.count) ? share : 0.0f;
  }
};

}  // namespace snag
