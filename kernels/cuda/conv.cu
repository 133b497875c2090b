// The trilinear convolution as implicit matrix products.
#include "kernels/cuda/fours.cuh"
#include "kernels/cuda/one_channel.h"
#include "kernels/cuda/portable.cuh"
#include "kernels/cuda/windows.cuh"

namespace snag {
namespace {

template <bool Up>
Windows<Up> windows(View out, ConstView in, ConstView w, Conv g) {
  const bool each_pixel = out.shape.h * out.shape.w <= kGroupedPixels;
  const int parities = Up ? g.stride : 1;
  return {.out = out,
          .in = in,
          .w = w,
          .g = g,
          .group_h = each_pixel ? out.shape.h : parities,
          .group_w = each_pixel ? out.shape.w : parities,
          .n_tiles = ceil_div(out.shape.c, kTileN)};
}
Windows<false> windows(const ConvDown& k) { return windows<false>(k.small, k.big, k.w, k.g); }
Windows<true> windows(const ConvUp& k) { return windows<true>(k.big, k.small, k.w, k.g); }

template <bool Up>
void launch_windows(Cuda& cuda, const Windows<Up>& p) {
  const int side = Up ? ceil_div(p.g.kernel, p.g.stride) : p.g.kernel;  // taps along an axis, at most
  launch_gemm(cuda, p, p.m_tiles(), p.n_blocks(), side * side * p.in.shape.c,
              p.in.shape.c % 4 == 0 && (!Up || p.out.shape.c % 4 == 0) && aligned(p.in.data, p.w.data));
}

template <class K>
void launch_down_or_up(Cuda& cuda, const K& k) {
  if (launch_one_channel(cuda, k)) return;
  if (k.g.kernel > kMaxKernel) return launch_portable(cuda, k);
  launch_windows(cuda, windows(k));
}

// Within the launch of the convolution before, or after it.
template <class C, class K>
bool join(Cuda& cuda, const C& before, const K& k, ConstView summed) {
  if (fits_one_channel(before.big, before.small, before.g) || before.g.kernel > kMaxKernel) return false;
  auto problem = windows(before);
  if (problem.out.data != summed.data || problem.out.shape != summed.shape || summed.shape.size() == 0) return false;
  problem.join(k);
  Needs needs = problem.tile_needs();
  if (problem.tiles() * k.groups() > kMostTiles || needs.partial > kMostPartial) return false;
  if (cuda.recorded) {
    cuda.recorded->pop_back();
    launch_windows(cuda, problem);
  } else {
    using Work = SumsPass<decltype(problem)>;
    needs.shared = problem.tile_shared;
    run(cuda, Work{.problem = problem, .grid = {problem.m_tiles(), problem.n_blocks()}, .scratch = {}}, needs);
  }
  return true;
}

// dw[o, tap, c]: for each tap a product over the pixels of `small` under which it lies inside `big`.
struct WeightGradient {
  static constexpr Along a = Along::mn, b = Along::mn;
  static constexpr int table_size = 1;

  View dw;
  ConstView big, small;
  Conv g;
  int n_tiles;

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

    template <bool Wide>
    __device__ void fetch(int k, float* a_tile, float* b_tile) const {
      const int tid = static_cast<int>(threadIdx.x), all = depth(), per_image = ys.count * xs.count;
      const Shape big = p.big.shape, small = p.small.shape;
      UNROLL
      for (int i = 0; i < kTileK / 8; ++i) {
        const int row = tid / 16 + 8 * i, column = tid % 16 * 4, kk = k + row;
        const bool inside = kk < all;
        const int n = inside ? kk / per_image : 0, at = inside ? kk - n * per_image : 0;
        const int py = inside ? ys.begin + at / xs.count : 0, px = inside ? xs.begin + at % xs.count : 0;
        const int a_left = inside ? small.c - m0 - column : 0, b_left = inside ? big.c - n0 - column : 0;
        const float* from_small =
            p.small.data + (a_left > 0 ? std::int64_t{(n * small.h + py) * small.w + px} * small.c + m0 + column : 0);
        const int y = py * p.g.stride + tap_y - p.g.pad, x = px * p.g.stride + tap_x - p.g.pad;
        const float* from_big =
            p.big.data + (b_left > 0 ? std::int64_t{(n * big.h + y) * big.w + x} * big.c + n0 + column : 0);
        copy4<Wide>(a_tile + tile_at<a>(column, row), from_small, a_left);
        copy4<Wide>(b_tile + tile_at<b>(column, row), from_big, b_left);
      }
    }

    __device__ void store(int row, int column, float sum) const {
      const int o = m0 + row, c = n0 + column;
      if (o < p.small.shape.c && c < p.big.shape.c)
        p.dw.data[((std::int64_t{o} * p.g.kernel + tap_y) * p.g.kernel + tap_x) * p.big.shape.c + c] = sum;
    }
  };

  __device__ Block block(int m_tile, int n_block, int*) const {
    const int tap = n_block / n_tiles, r = tap / g.kernel, t = tap % g.kernel;
    return {*this,
            range(r, small.shape.h, big.shape.h),
            range(t, small.shape.w, big.shape.w),
            r,
            t,
            m_tile * kTileM,
            n_block % n_tiles * kTileN};
  }
};

}  // namespace

void launch(Cuda& cuda, const ConvDown& k) { launch_down_or_up(cuda, k); }
void launch(Cuda& cuda, const ConvUp& k) { launch_down_or_up(cuda, k); }

bool launch_after(Cuda& cuda, const ConvDown& before, const BatchNormStats& k) { return join(cuda, before, k, k.x); }
bool launch_after(Cuda& cuda, const ConvUp& before, const BatchNormStats& k) { return join(cuda, before, k, k.x); }
bool launch_after(Cuda& cuda, const ConvDown& before, const BatchNormGradSums& k) {
  return join(cuda, before, k, k.dy);
}
bool launch_after(Cuda& cuda, const ConvUp& before, const BatchNormGradSums& k) { return join(cuda, before, k, k.dy); }

void launch(Cuda& cuda, const ConvWeight& k) {
  if (launch_one_channel(cuda, k)) return;
  const WeightGradient problem{
      .dw = k.dw, .big = k.big, .small = k.small, .g = k.g, .n_tiles = ceil_div(k.big.shape.c, kTileN)};
  launch_gemm(cuda, problem, ceil_div(k.small.shape.c, kTileM), problem.n_tiles * k.g.kernel * k.g.kernel,
              k.small.shape.pixels(),
              k.big.shape.c % 4 == 0 && k.small.shape.c % 4 == 0 && aligned(k.big.data, k.small.data));
}

}  // namespace snag
