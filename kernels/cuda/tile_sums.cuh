#pragma once
// The sums that batch norm takes over what a convolution computes, taken by its own blocks: each adds up its tile while
// it is at hand, and the block that comes last adds the tiles. So nothing reads the output again for them, and what
// waits for them waits for the convolution alone.
#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/reduce.cuh"

namespace snag {

// One block adds up so many tiles, of each group, sooner than all blocks take the sums in a phase of their own.
constexpr int kMostTiles = 512;

// What a block has computed of an output: T::m pixels, of T::n channels from `channel` on.
struct OutputTile {
  const float* values;  // in shared memory, at kept_at<T>(row, channel)
  const int* pixels;    // for each row its place in the output; -1: there is none
  int channel;
  int number, count;  // of the tiles with these channels
};

using TilePart = Sums<2>;

// Sums of x and of x^2: in double, so that even a large mean leaves the variance its digits. Each fma is written out:
// the kernels that this is part of must not differ in a bit.
struct TileMoments {
  BatchNormStats k{};  // without `mean` none are wanted
  HD bool wanted() const { return k.mean.data; }

  // About the first element, as in NormStats.
  struct Walk {
    float about, sum, squares;
    int count;
    __device__ void add(float x, int) {
      if (count++ == 0) about = x;
      const float d = x - about;
      sum += d;
      squares = fmaf(d, d, squares);
    }
    __device__ TilePart part() const {
      const double n = count, a = about, s = sum, q = squares;
      return {{fma(n, a, s), fma(a, fma(n, a, 2 * s), q)}};
    }
  };
  __device__ Walk walk(int, int) const { return {}; }
  __device__ void store(int s, const TilePart& all) const {
    const double n = k.x.shape.pixels() / k.groups(), mean = all.sum[0] / n, var = fma(-mean, mean, all.sum[1] / n);
    k.mean.data[s] = static_cast<float>(mean);
    k.var.data[s] = static_cast<float>(var > 0 ? var : 0);
  }
};

// Sums of dz and of dz * xhat, where the output is dy.
struct TileGradSums {
  BatchNormGradSums k{};  // without `sum_dz` none are wanted
  HD bool wanted() const { return k.sum_dz.data; }

  struct Walk {
    const BatchNormGradSums& k;
    BatchNormGradSums::Channel own;
    int c;
    float db, dg;
    __device__ void add(float dy, int pixel) {
      const auto t = k.term(k.x.data[pixel * k.x.shape.c + c], dy, own);
      db += t.dz;
      dg = fmaf(t.dz, t.xhat, dg);
    }
    __device__ TilePart part() const { return {{db, dg}}; }
  };
  __device__ Walk walk(int group, int c) const { return {k, k.channel(group, c), c, 0, 0}; }
  __device__ void store(int s, const TilePart& all) const {
    k.sum_dz.data[s] = static_cast<float>(all.sum[0]);
    k.sum_dz_xhat.data[s] = static_cast<float>(all.sum[1]);
  }
};

// By all threads of the block. `parts`: one a thread, in shared memory; `partial`: [tile][group][channel]; `ticket`: of
// the tiles with these channels.
template <class T, class Sums>
__device__ inline void add_tile(const Sums& sums, const OutputTile& tile, TilePart* parts, TilePart* partial,
                                unsigned* ticket) {
  constexpr int rows = T::threads / T::n;
  const int lane = static_cast<int>(threadIdx.x) % T::n, row = static_cast<int>(threadIdx.x) / T::n,
            c = tile.channel + lane, channels = sums.k.x.shape.c, outputs = sums.k.size(), groups = sums.k.groups(),
            pixels = sums.k.x.shape.pixels() / groups;
  const bool inside = c < channels, stores = inside && row == 0;
  for (int g = 0; g < groups; ++g) {
    TilePart own{};
    if (inside) {
      auto walk = sums.walk(g, c);
      for (int r = row; r < T::m; r += rows) {
        const int pixel = tile.pixels[r];
        if (pixel >= g * pixels && pixel < (g + 1) * pixels) walk.add(tile.values[kept_at<T>(r, lane)], pixel);
      }
      own = walk.part();
    }
    combine<T::threads>(own, parts, T::n);
    if (stores) partial[tile.number * outputs + g * channels + c] = parts[lane];
  }
  if (!last_block(ticket, static_cast<unsigned>(tile.count))) return;
  for (int g = 0; g < groups; ++g) {
    const int s = g * channels + c;
    TilePart own{};
    if (inside)
      for (int t = row; t < tile.count; t += rows) own.add(partial[t * outputs + s]);
    combine<T::threads>(own, parts, T::n);
    if (stores) sums.store(s, parts[lane]);
  }
}

}  // namespace snag
