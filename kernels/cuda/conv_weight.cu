// The weight gradient as implicit matrix products.
#include "kernels/cuda/divisor.cuh"
#include "kernels/cuda/fours.cuh"
#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/narrow.h"
#include "kernels/cuda/one_channel.h"

namespace snag {
namespace {

// dw[o, tap, c]: for each tap, or a few, a product over the pixels of `small` under which it lies inside `big`.
template <class TileShape>
struct WeightGradient {
  using T = TileShape;
  using Scalar = typename T::Scalar;
  static constexpr Along a = Along::mn, b = Along::mn;
  struct Table {};

  View dw;
  ConstView big, small;
  Source<Scalar> big_data, small_data;  // as the product reads them
  Conv g;
  int n_tiles;
  bool whole;  // four channels of dw can be stored at once

  // A WarpgroupTile may be wider than a tap has channels: then it has so many taps, one after another.
  HD int taps_of_tile() const { return ForWarpgroups<T> && T::n > big.shape.c ? T::n / big.shape.c : 1; }

  HD int m_tiles() const { return ceil_div(small.shape.c, T::m); }
  HD int n_blocks() const { return n_tiles * ceil_div(g.kernel * g.kernel, taps_of_tile()); }
  GemmSize size() const {
    return {.tiles = m_tiles() * n_blocks(),
            .chunks = ceil_div(small.shape.pixels(), T::k),
            .rows = small.shape.c,
            .across = true,
            .before = std::is_same_v<Scalar, float> ? 0 : bf16_time(big.shape) + bf16_time(small.shape)};
  }
  View output() const { return dw; }
  std::vector<Operand> operands(const Operand& written) const {
    std::vector<Operand> all{written};
    add_reads(big_data, big.shape, all), add_reads(small_data, small.shape, all);
    return all;
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

  // Of all taps from `first` on, `count` of them.
  HD Range range_of_taps(int first, int count, int outputs, int inputs) const {
    Range all = range(first, outputs, inputs);
    for (int tap = first + 1; tap < first + count; ++tap) {
      const Range one = range(tap, outputs, inputs);
      if (one.count == 0) continue;
      if (all.count == 0) all = one;
      const int end = max(all.begin + all.count, one.begin + one.count);
      all.begin = min(all.begin, one.begin), all.count = end - all.begin;
    }
    return all;
  }

  struct Block {
    const WeightGradient& p;
    Range ys, xs;
    int tap_y, tap_x, m0, n0;  // the tile's first tap, channel of small, channel of big
    Raster pixels;             // of those ranges

    __device__ int depth() const { return p.small.shape.n * ys.count * xs.count; }
    __device__ int chunks() const { return ceil_div(depth(), T::k); }
    __device__ int rows() const { return p.small.shape.c - m0 < T::m ? p.small.shape.c - m0 : T::m; }

    // Channels of one.
    struct OfPixel {
      const Scalar* from;
      int left;
      __device__ Element<Scalar> operator()(int channel) const { return {from + channel, channel < left}; }
    };
    using At = int;  // a chunk's first pixel
    __device__ static At at(int chunk) { return chunk * T::k; }
    __device__ static void advance(At& a) { a += T::k; }
    __device__ int a_low() const { return p.small_data.low; }
    __device__ int b_low() const { return p.big_data.low; }
    __device__ static int a_row(int m) { return m; }
    __device__ OfPixel a_line(At first, int k) const {
      if (first + k >= depth()) return {p.small_data.data, 0};
      const Raster::At at = pixels.at(first + k);
      const Shape s = p.small.shape;
      return {p.small_data.data + ((at.n * s.h + ys.begin + at.y) * s.w + xs.begin + at.x) * s.c + m0, s.c - m0};
    }

    // Where a column of the tile lies in a window of `big`. A tile of one tap has only windows in which that is inside.
    struct Column {
      int tap_y, tap_x, channel;
      __device__ int offset(Shape s) const { return (tap_y * s.w + tap_x) * s.c + channel; }
    };
    __device__ Column column(int n) const {
      if (p.taps_of_tile() == 1) return {tap_y, tap_x, n0 + n};
      const int channels = p.big.shape.c, kernel = p.g.kernel, tap = tap_y * kernel + tap_x + n / channels;
      return {tap / kernel, tap % kernel, n % channels};
    }
    struct Row {
      int y, x, offset;
      bool is;
    };
    struct OfWindow {
      const Scalar* from;
      int y, x, h, w;  // its first pixel; where rows and columns end
      __device__ Element<Scalar> operator()(Row row) const {
        const auto inside = [](int i, int end) { return static_cast<unsigned>(i) < static_cast<unsigned>(end); };
        return {from + row.offset, row.is && inside(y + row.y, h) && inside(x + row.x, w)};
      }
    };
    __device__ auto b_row(int n) const {
      if constexpr (ForWarpgroups<T>) {
        const Column c = column(n);
        return Row{c.tap_y, c.tap_x, c.offset(p.big.shape), c.tap_y < p.g.kernel && c.channel < p.big.shape.c};
      } else {
        return n;
      }
    }
    __device__ auto b_line(At first, int k) const {
      const Shape s = p.big.shape;
      const bool is = first + k < depth();
      const Raster::At at = is ? pixels.at(first + k) : Raster::At{};
      const int y = (ys.begin + at.y) * p.g.stride - p.g.pad, x = (xs.begin + at.x) * p.g.stride - p.g.pad;
      const Scalar* const window = p.big_data.data + ((at.n * s.h + y) * s.w + x) * s.c;
      if constexpr (ForWarpgroups<T>)
        return OfWindow{window, y, x, is ? s.h : 0, s.w};
      else
        return OfPixel{window + Column{tap_y, tap_x, n0}.offset(s), is ? s.c - n0 : 0};
    }

    __device__ void store(int row, int n, float4 v) const {
      const int o = m0 + row, channels = p.big.shape.c;
      if (const Column c = column(n); o < p.small.shape.c && c.channel < channels && c.tap_y < p.g.kernel)
        store4(p.dw.data + ((std::int64_t{o} * p.g.kernel + c.tap_y) * p.g.kernel + c.tap_x) * channels + c.channel, v,
               channels - c.channel, p.whole);
    }
  };

  __device__ Block block(int m_tile, int n_block, Table&) const {
    const int tap = n_block / n_tiles * taps_of_tile(), first_y = tap / g.kernel, first_x = tap % g.kernel,
              last = min(tap + taps_of_tile(), g.kernel * g.kernel) - 1, rows = last / g.kernel - first_y + 1;
    const Range ys = range_of_taps(first_y, rows, small.shape.h, big.shape.h),
                xs = rows > 1 ? range_of_taps(0, g.kernel, small.shape.w, big.shape.w)
                              : range_of_taps(first_x, last - tap + 1, small.shape.w, big.shape.w);
    const Raster pixels = ys.count > 0 && xs.count > 0 ? Raster(ys.count, xs.count) : Raster();
    return {*this, ys, xs, first_y, first_x, m_tile * T::m, n_block % n_tiles * T::n, pixels};
  }
};

template <class T>
WeightGradient<T> weight_gradient(const ConvWeight& k) {
  return {.dw = k.dw,
          .big = k.big,
          .small = k.small,
          .big_data = {},
          .small_data = {},
          .g = k.g,
          .n_tiles = ceil_div(k.big.shape.c, T::n),
          .whole = k.big.shape.c % 4 == 0 && aligned(k.dw.data)};
}

bool fits_fours(const ConvWeight& k) {
  return k.big.shape.c % 4 == 0 && k.small.shape.c % 4 == 0 && aligned(k.big.data, k.small.data);
}

// A tile has one tap, or a few whole ones; bf16 is copied in eights.
bool fits_warpgroups(const ConvWeight& k) {
  const int channels = k.big.shape.c;
  return channels % 8 == 0 && k.small.shape.c % 8 == 0 &&
         (channels >= 2 * HalfTile<Bf16>::n || HalfTile<Bf16>::n % channels == 0);
}

}  // namespace

void launch(Cuda& cuda, const ConvWeight& k) {
  if (launch_one_channel(cuda, k) || launch_narrow(cuda, k)) return;
  const bool fours = fits_fours(k), warpgroups = fours && cuda.warpgroups && fits_warpgroups(k);
  const auto in_tile = [&]<class T> { return weight_gradient<T>(k); };
  const auto launch = [&]<class T>(WeightGradient<T> p) {
    p.big_data = source<T>(cuda, p.big), p.small_data = source<T>(cuda, p.small);
    launch_gemm(cuda, p, fours);
  };
  if (warpgroups && cuda.precision == Precision::bf16)
    in_best_tile<LongTile<Bf16>, HalfTile<Bf16>>(cuda, fours, in_tile, launch);
  else if (warpgroups && cuda.precision == Precision::tf32)
    in_best_tile<LongTile<Bf16, 2>, HalfTile<Bf16, 2>>(cuda, fours, in_tile, launch);
  else
    in_best_tile(cuda, fours, in_tile, launch);
}

}  // namespace snag
