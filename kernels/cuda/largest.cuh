#pragma once
#include "kernels/cuda/reduce.cuh"

namespace snag {

// The mean of an image's largest elements, and its gradient: one block an image, whose threads share its row.
constexpr int kTopBlock = 256;

// A short row in shared memory, where each element is compared with all.
struct ShortRow {
  static constexpr int longest = kTopBlock;
  using Shared = float;
  const float* row;
  int m, count;
  __device__ ShortRow(const float* x, int length, int largest, float* shared) : row(shared), m(length), count(largest) {
    const int t = static_cast<int>(threadIdx.x);
    if (t < m) shared[t] = x[t];
    __syncthreads();
  }
  __device__ bool among_largest(int i) const { return snag::among_largest(row, m, i, count); }
};

// An element of a row; ties go to the lower index.
struct Ranked {
  float value;
  int index;
  __device__ bool above(const Ranked& b) const { return value > b.value || (value == b.value && index < b.index); }
};

// A long row: the last of its largest elements, found in as many rounds, each of which takes the largest of what the
// rounds before left.
struct LongRow {
  using Shared = Ranked;
  const float* row;
  Ranked last;
  __device__ LongRow(const float* x, int m, int count, Ranked* best) : row(x), last{INFINITY, -1} {
    const int t = static_cast<int>(threadIdx.x);
    for (int round = 0; round < count; ++round) {
      Ranked own{-INFINITY, m};
      for (int i = t; i < m; i += kTopBlock)
        if (const Ranked e{row[i], i}; last.above(e) && e.above(own)) own = e;
      best[t] = own;
      __syncthreads();
      for (int s = kTopBlock / 2; s > 0; s /= 2) {
        if (t < s && best[t + s].above(best[t])) best[t] = best[t + s];
        __syncthreads();
      }
      last = best[0];
      __syncthreads();
    }
  }
  __device__ bool among_largest(int i) const { return !last.above({row[i], i}); }
};

template <class Row>
struct LargestMean {
  static constexpr int threads = kTopBlock, resident = 1;
  TopMean k;
  Grid grid;
  // the sums of the threads, then the row's own
  static constexpr std::size_t shared = (sizeof(Sums<1>) + sizeof(typename Row::Shared)) * kTopBlock;
  __device__ void run(Place at) const {
    DYN_SHARED(Sums<1>, parts);
    const int m = k.x.shape.image();
    const float* const x = k.x.data + static_cast<std::int64_t>(at.x) * m;
    const Row row(x, m, k.count, reinterpret_cast<typename Row::Shared*>(parts + kTopBlock));
    Sums<1> own{};
    for (int i = static_cast<int>(threadIdx.x); i < m; i += kTopBlock)
      if (row.among_largest(i)) own.sum[0] += x[i];
    combine<kTopBlock>(own, parts, 1);
    if (threadIdx.x == 0) k.y.data[at.x] = static_cast<float>(parts[0].sum[0] / k.count);
  }
};

template <class Row>
struct LargestMeanGrad {
  static constexpr int threads = kTopBlock, resident = 1;
  TopMeanGrad k;
  Grid grid;
  static constexpr std::size_t shared = sizeof(typename Row::Shared) * kTopBlock;
  __device__ void run(Place at) const {
    DYN_SHARED(typename Row::Shared, own);
    const int m = k.x.shape.image();
    const std::int64_t first = static_cast<std::int64_t>(at.x) * m;
    const Row row(k.x.data + first, m, k.count, own);
    const float share = k.dy.data[at.x] / static_cast<float>(k.count);
    for (int i = static_cast<int>(threadIdx.x); i < m; i += kTopBlock)
      k.dx.data[first + i] = row.among_largest(i) ? share : 0.0f;
  }
};

}  // namespace snag
