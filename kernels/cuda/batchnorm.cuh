#pragma once
#include "kernels/cuda/bf16.cuh"
#include "kernels/cuda/fours.cuh"
#include "kernels/cuda/reduce.cuh"

namespace snag {

// How many elements, their mean, and their squares about it; combined as Chan, Golub and LeVeque (1979) do.
struct Moments {
  double count, mean, squares;
  __device__ void add(const Moments& b) {
    if (b.count == 0) return;
    const double n = count + b.count, d = b.mean - mean;
    mean += d * (b.count / n);
    squares += b.squares + d * d * (count * b.count / n);
    count = n;
  }
};

struct NormStats {
  using Part = Moments;
  BatchNormStats k;
  // Sums about the thread's first element. Where mean^2 is far above the variance, so are all squares about 0, but not
  // those about one of the elements: they lose at most the factor that is the number of a thread's elements.
  struct Walk {
    const float* x;
    float about, sum, squares;
    int count;
    __device__ void add(int i) {
      const float d = x[i] - about;
      sum += d;
      squares += d * d;
      ++count;
    }
    __device__ Moments part() const {
      const double n = count, mean = sum / n, left = squares - sum * mean;
      return {n, about + mean, left > 0 ? left : 0};
    }
  };
  __device__ Walk walk(int, int first) const { return {k.x.data, k.x.data[first], 0, 0, 0}; }
  __device__ void store(int s, const Moments& all) const {
    k.mean.data[s] = static_cast<float>(all.mean);
    k.var.data[s] = static_cast<float>(all.squares / all.count);
  }
};

struct NormGradSums {
  using Part = Sums<2>;
  BatchNormGradSums k;
  struct Walk {
    const BatchNormGradSums& k;
    BatchNormGradSums::Channel own;
    float db, dg;
    __device__ void add(int i) {
      const auto t = k.term(k.x.data[i], k.dy.data[i], own);
      db += t.dz;
      dg += t.dz * t.xhat;
    }
    __device__ Part part() const { return {{db, dg}}; }
  };
  __device__ Walk walk(int s, int) const { return {k, k.channel(s / k.x.shape.c, s % k.x.shape.c), 0, 0}; }
  __device__ void store(int s, const Part& all) const {
    k.sum_dz.data[s] = static_cast<float>(all.sum[0]);
    k.sum_dz_xhat.data[s] = static_cast<float>(all.sum[1]);
  }
};

// ---- the maps: a thread keeps what belongs to its four channels and goes over the pixels of a group

constexpr int kMapBlock = 256;

// A map writes its output, and reads its source, x or dy, and backward another, x.
HD inline View output(const BatchNorm& k) { return k.y; }
HD inline View output(const BatchNormGrad& k) { return k.dx; }
HD inline ConstView source(const BatchNorm& k) { return k.x; }
HD inline ConstView source(const BatchNormGrad& k) { return k.dy; }
__device__ inline float4 other_four(const BatchNorm&, int) { return {}; }
__device__ inline float4 other_four(const BatchNormGrad& k, int i) { return four(k.x.data, i); }
// Four elements.
__device__ inline float4 map_four(const BatchNorm& k, float4 x, float4, const BatchNorm::Channel (&c)[4]) {
  return {k.value(x.x, c[0]), k.value(x.y, c[1]), k.value(x.z, c[2]), k.value(x.w, c[3])};
}
__device__ inline float4 map_four(const BatchNormGrad& k, float4 dy, float4 x, const BatchNormGrad::Channel (&c)[4]) {
  return {k.value(x.x, dy.x, c[0]), k.value(x.y, dy.y, c[1]), k.value(x.z, dy.z, c[2]), k.value(x.w, dy.w, c[3])};
}

// What is done once for each channel.
__device__ inline void finish(const BatchNorm& k, int c) { k.track(c); }
__device__ inline void finish(const BatchNormGrad& k, int c) { k.add_groups(c); }

template <class K>
struct ChannelMap {
  static constexpr int threads = kMapBlock, resident = 1;
  K kernel;
  int width;  // threads side by side along channels
  Grid grid;  // tiles of channels, shares of a group's pixels, groups
  Bf16Copy also{};
  View output() const { return snag::output(kernel); }
  __device__ void run(Place at) const {
    const K k = kernel;  // in registers, whatever is written
    const int lane = static_cast<int>(threadIdx.x) % width, row = static_cast<int>(threadIdx.x) / width,
              rows = kMapBlock / width, c = 4 * (at.x * width + lane);
    const Shape s = k.x.shape;
    if (c >= s.c) return;
    typename K::Channel own[4];
    UNROLL
    for (int j = 0; j < 4; ++j) own[j] = k.channel(at.z, c + j);
    const int pixels = s.pixels() / k.groups(), first = at.z * pixels;
    for (int p = at.y * rows + row; p < pixels; p += grid.y * rows) {
      const int i = (first + p) * s.c + c;
      store_four(snag::output(k).data, also, i, map_four(k, four(source(k).data, i), other_four(k, i), own));
    }
    // four rows of threads, so that none waits for more than its own channel's memory
    if (at.z == 0 && at.y == 0 && row < 4) finish(k, c + row);
  }
};

}  // namespace snag
