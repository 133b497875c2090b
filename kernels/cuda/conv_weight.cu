// The weight gradient as implicit matrix products.
#include "kernels/cuda/divisor.cuh"
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
    Raster pixels;  // of those ranges

    __device__ int depth() const { return p.small.shape.n * ys.count * xs.count; }
    __device__ int chunks() const { return ceil_div(depth(), kTileK); }
    __device__ int rows() const { return p.small.shape.c - m0 < T::m ? p.small.shape.c - m0 : T::m; }

    // Channels of one.
    struct OfPixel {
      const float* from;
      int left;
      __device__ Element operator()(int channel) const { return {from + channel, channel < left}; }
    };
    using At = int;  // a chunk's first pixel
    __device__ static At at(int chunk) { return chunk * kTileK; }
    __device__ static void advance(At& a) { a += kTileK; }
    __device__ static int a_row(int m) { return m; }
    __device__ static int b_row(int n) { return n; }
    __device__ OfPixel a_line(At first, int k) const {
      if (first + k >= depth()) return {p.small.data, 0};
      const Raster::At at = pixels.at(first + k);
      const Shape s = p.small.shape;
      return {p.small.data + ((at.n * s.h + ys.begin + at.y) * s.w + xs.begin + at.x) * s.c + m0, s.c - m0};
    }
    __device__ OfPixel b_line(At first, int k) const {
      if (first + k >= depth()) return {p.big.data, 0};
      const Raster::At at = pixels.at(first + k);
      const Shape s = p.big.shape;
      const int y = (ys.begin + at.y) * p.g.stride + tap_y - p.g.pad,
                x = (xs.begin + at.x) * p.g.stride + tap_x - p.g.pad;
      return {p.big.data + ((at.n * s.h + y) * s.w + x) * s.c + n0, s.c - n0};
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
    const Range ys = range(r, small.shape.h, big.shape.h), xs = range(t, small.shape.w, big.shape.w);
    const bool any = ys.count > 0 && xs.count > 0;
    return {*this, ys, xs, r, t, m_tile * T::m, n_block % n_tiles * T::n, any ? Raster(ys.count, xs.count) : Raster()};
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
