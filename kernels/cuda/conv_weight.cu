// The weight gradient as implicit matrix products.
#include "kernels/cuda/fours.cuh"
#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/narrow.h"
#include "kernels/cuda/one_channel.h"

namespace snag {
namespace {

// dw[o, tap, c]: for each tap a product over the pixels of `small` under which it lies inside `big`.
template <class TileShape>
struct WeightGradient {
  using T = TileShape;
  static constexpr Along a = Along::mn, b = Along::mn;
  struct Table {};

  View dw;
  ConstView big, small;
  Conv g;
  int n_tiles;
  bool whole;  // four channels of dw can be stored at once

  HD int m_tiles() const { return ceil_div(small.shape.c, T::m); }
  HD int n_blocks() const { return n_tiles * g.kernel * g.kernel; }
  GemmSize size() const {
    return {.tiles = m_tiles() * n_blocks(), .chunks = ceil_div(small.shape.pixels(), kTileK), .rows = small.shape.c};
  }

  // The outputs p for which p * stride + tap - pad is inside.
  struct Range {
    int begin, count;
  };
  HD Range range(int tap, int outputs, int inputs) const {
    const int low = tap >= g.pad ? 0 : ceil_div(g.pad - tap, g.stride);
    const int last = inputs - 1 + g.pad - tap;  // p * stride <= last
    const int end = last < 0 ? 0 : last / g.stride + 1 < outputs ? last / g.stride + 1 : outputs;
    return {low, end > low ? end - low : 0};
  }

  struct Block {
    const WeightGradient& p;
    Range ys, xs;
    int tap_y, tap_x, m0, n0;

    __device__ int depth() const { return p.small.shape.n * ys.count * xs.count; }
    __device__ int chunks() const { return ceil_div(depth(), kTileK); }
    __device__ int rows() const { return p.small.shape.c - m0 < T::m ? p.small.shape.c - m0 : T::m; }

    // A thread copies of one pixel: of this number, and of these places in `small` and `big`.
    static constexpr int kEach = T::threads / kTileK;
    struct At {
      int k, small, big;
    };
    __device__ At pixel(int k) const {
      if (k >= depth()) return {k, -1, -1};
      const int per_image = ys.count * xs.count, n = k / per_image, at = k - n * per_image, i = at / xs.count,
                py = ys.begin + i, px = xs.begin + at - i * xs.count;
      const Shape big = p.big.shape, small = p.small.shape;
      return {k, (n * small.h + py) * small.w + px,
              (n * big.h + py * p.g.stride + tap_y - p.g.pad) * big.w + px * p.g.stride + tap_x - p.g.pad};
    }
    __device__ At at(int chunk) const { return pixel(chunk * kTileK + static_cast<int>(threadIdx.x) / kEach); }
    __device__ void advance(At& a) const { a = pixel(a.k + kTileK); }

    template <bool Wide, Along A, int MN>
    __device__ static void copy(float* tile, const float* from, bool inside, int first, int channels) {
      const int tid = static_cast<int>(threadIdx.x);
      UNROLL
      for (int j = 0; j < MN / 4 / kEach; ++j) {
        const int column = 4 * (tid % kEach + kEach * j);
        copy4<Wide>(tile + tile_at<A, MN>(column, tid / kEach), from + first + column,
                    inside ? channels - first - column : 0);
      }
    }
    template <bool Wide>
    __device__ void fetch_a(At at, float* tile) const {
      copy<Wide, a, T::m>(tile, p.small.data + at.small * p.small.shape.c, at.small >= 0, m0, p.small.shape.c);
    }
    template <bool Wide>
    __device__ void fetch_b(At at, float* tile) const {
      copy<Wide, b, T::n>(tile, p.big.data + at.big * p.big.shape.c, at.big >= 0, n0, p.big.shape.c);
    }

    __device__ void store(int row, int column, float4 v) const {
      const int o = m0 + row, c = n0 + column;
      if (o < p.small.shape.c && c < p.big.shape.c)
        store4(p.dw.data + ((std::int64_t{o} * p.g.kernel + tap_y) * p.g.kernel + tap_x) * p.big.shape.c + c, v,
               p.big.shape.c - c, p.whole);
    }
  };

  __device__ Block block(int m_tile, int n_block, Table&) const {
    const int tap = n_block / n_tiles, r = tap / g.kernel, t = tap % g.kernel;
    return {*this,
            range(r, small.shape.h, big.shape.h),
            range(t, small.shape.w, big.shape.w),
            r,
            t,
            m_tile * T::m,
            n_block % n_tiles * T::n};
  }
};

template <class T>
WeightGradient<T> weight_gradient(const ConvWeight& k) {
  return {.dw = k.dw,
          .big = k.big,
          .small = k.small,
          .g = k.g,
          .n_tiles = ceil_div(k.big.shape.c, T::n),
          .whole = k.big.shape.c % 4 == 0 && aligned(k.dw.data)};
}

bool fits_fours(const ConvWeight& k) {
  return k.big.shape.c % 4 == 0 && k.small.shape.c % 4 == 0 && aligned(k.big.data, k.small.data);
}

}  // namespace

void launch(Cuda& cuda, const ConvWeight& k) {
  if (launch_one_channel(cuda, k) || launch_narrow(cuda, k)) return;
  in_best_tile(
      cuda, fits_fours(k), [&]<class T> { return weight_gradient<T>(k); },
      [&](const auto& p) { launch_gemm(cuda, p, fits_fours(k)); });
}

}  // namespace snag
