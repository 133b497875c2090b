// The trilinear convolution as implicit matrix products. ConvDown and ConvUp gather windows of their input; an output
// pixel hears only the taps that reach inside the image, so outputs go in groups that share their taps: one group for
// a whole map of ConvDown, one for each output parity of ConvUp, and on maps of few pixels one for each pixel.
#include <cstdint>

#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/one_channel.h"
#include "kernels/cuda/portable.cuh"

namespace snag {
namespace {

constexpr int kMaxKernel = 8;       // larger ones run in the portable form
constexpr int kGroupedPixels = 16;  // maps up to this many pixels have a group for each

bool aligned(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 == 0; }

// Along one axis, for the outputs origin + i * step: which taps reach the input, and where tap r of output i reads:
// at(r) + i * input_step.
struct Axis {
  int origin, step, count, input_step;
  int input, stride, pad;
  bool up;
  HD int at(int r) const { return up ? (origin + pad - r) / stride : origin * stride + r - pad; }
  HD bool reaches(int r) const {
    if (up && (origin + pad - r) % stride != 0) return false;
    if (up && origin + pad - r + (count - 1) * step < 0) return false;
    const int first = at(r);
    return first < input && first + (count - 1) * input_step >= 0;
  }
};

// Both maps as a product of windows [output pixel, (tap, input channel)] and weights [(tap, input channel), output
// channel].
template <bool Up>
struct Windows {
  static constexpr Along a = Along::k, b = Up ? Along::mn : Along::k;
  static constexpr int table_size = 3 * kMaxKernel * kMaxKernel + 2 * kTileM;

  View out;
  ConstView in, w;
  Conv g;
  int group_h, group_w;  // groups along each axis; outputs of a group are so far apart
  int n_tiles;

  HD Axis axis(int origin, int groups, int out_size, int in_size) const {
    return {.origin = origin,
            .step = groups,
            .count = ceil_div(out_size - origin, groups),
            .input_step = Up ? ceil_div(groups, g.stride) : groups * g.stride,
            .input = in_size,
            .stride = g.stride,
            .pad = g.pad,
            .up = Up};
  }

  struct Block {
    const Windows& p;
    const int *tap_y, *tap_x, *tap_w, *out_row;  // in shared memory
    int taps, n0, m_count;
    // What this thread copies of the windows' tile: elements k0 .. k0 + 4 of rows row0, row0 + 16, ...
    static constexpr int kRows = kTileM / 16;
    int y[kRows], x[kRows];
    std::int64_t image[kRows];

    __device__ int depth() const { return taps * p.in.shape.c; }

    template <bool Wide>
    __device__ void fetch(int k, float* a_tile, float* b_tile) const {
      const int tid = static_cast<int>(threadIdx.x), channels = p.in.shape.c;
      for (int j = 0; j < pieces<Wide>(); ++j) {
        const int column = tid % 8 * 4 + j, tap = (k + column) / channels, c = k + column - tap * channels;
        const bool inside = tap < taps;
        const int dy = inside ? tap_y[tap] : 0, dx = inside ? tap_x[tap] : 0;
        UNROLL
        for (int i = 0; i < kRows; ++i) {
          const int yy = y[i] + dy, xx = x[i] + dx;
          const bool valid = inside && image[i] >= 0 && yy >= 0 && yy < p.in.shape.h && xx >= 0 && xx < p.in.shape.w;
          const float* from = valid ? p.in.data + (image[i] + yy * p.in.shape.w + xx) * channels + c : p.in.data;
          copy_piece<Wide>(a_tile + tile_at<a>(tid / 8 + 16 * i, column), from, valid);
        }
      }
      fetch_weights<Wide>(k, b_tile);
    }

    // Weights lie [small channel][tap][big channel].
    template <bool Wide>
    __device__ void fetch_weights(int k, float* b_tile) const {
      const int tid = static_cast<int>(threadIdx.x), channels = p.in.shape.c, kernel2 = p.g.kernel * p.g.kernel;
      if constexpr (Up) {  // channels of the output side by side; four rows of k a thread
        UNROLL
        for (int i = 0; i < kTileK / 8; ++i) {
          const int row = tid / 16 + 8 * i, kk = k + row, tap = kk / channels, c = kk - tap * channels;
          const int n = n0 + tid % 16 * 4, left = tap < taps ? p.out.shape.c - n : 0;
          const float* from =
              left > 0 ? p.w.data + (std::int64_t{c} * kernel2 + tap_w[tap]) * p.out.shape.c + n : p.w.data;
          copy4<Wide>(b_tile + tile_at<b>(tid % 16 * 4, row), from, left);
        }
      } else {
        for (int j = 0; j < pieces<Wide>(); ++j) {
          const int column = tid % 8 * 4 + j, tap = (k + column) / channels, c = k + column - tap * channels;
          const bool inside = tap < taps;
          const int tap_at = inside ? tap_w[tap] : 0;
          UNROLL
          for (int i = 0; i < kTileN / 16; ++i) {
            const int n = n0 + tid / 8 + 16 * i;
            const bool valid = inside && n < p.out.shape.c;
            const float* from = valid ? p.w.data + (std::int64_t{n} * kernel2 + tap_at) * channels + c : p.w.data;
            copy_piece<Wide>(b_tile + tile_at<b>(tid / 8 + 16 * i, column), from, valid);
          }
        }
      }
    }

    __device__ void store(int row, int column, float sum) const {
      const int at = out_row[row];
      if (at >= 0 && n0 + column < p.out.shape.c) p.out.data[std::int64_t{at} * p.out.shape.c + n0 + column] = sum;
    }
  };

  __device__ Block block(int m_tile, int n_block, int* table) const {
    const int tid = static_cast<int>(threadIdx.x), group = n_block / n_tiles;
    const Axis ys = axis(group / group_w, group_h, out.shape.h, in.shape.h),
               xs = axis(group % group_w, group_w, out.shape.w, in.shape.w);
    int *tap_y = table, *tap_x = tap_y + kMaxKernel * kMaxKernel, *tap_w = tap_x + kMaxKernel * kMaxKernel,
        *out_row = tap_w + kMaxKernel * kMaxKernel;
    int taps = 0;  // every thread counts, the first writes
    for (int r = 0; r < g.kernel; ++r)
      for (int t = 0; t < g.kernel; ++t) {
        if (!ys.reaches(r) || !xs.reaches(t)) continue;
        if (tid == 0) tap_y[taps] = ys.at(r), tap_x[taps] = xs.at(t), tap_w[taps] = r * g.kernel + t;
        ++taps;
      }
    const int per_image = ys.count * xs.count, m_count = out.shape.n * per_image;
    if (tid < kTileM) {
      const int m = m_tile * kTileM + tid, n = m / per_image, at = m - n * per_image;
      out_row[tid] = m < m_count ? (n * out.shape.h + ys.origin + at / xs.count * ys.step) * out.shape.w + xs.origin +
                                       at % xs.count * xs.step
                                 : -1;
    }
    Block work{*this, tap_y, tap_x, tap_w, out_row, taps, n_block % n_tiles * kTileN, m_count, {}, {}, {}};
    UNROLL
    for (int i = 0; i < Block::kRows; ++i) {
      const int m = m_tile * kTileM + tid / 8 + 16 * i, n = m / per_image, at = m - n * per_image;
      work.y[i] = at / xs.count * ys.input_step;
      work.x[i] = at % xs.count * xs.input_step;
      work.image[i] = m < m_count ? std::int64_t{n} * in.shape.h * in.shape.w : -1;
    }
    __syncthreads();
    return work;
  }
};

template <bool Up>
void launch_windows(Cuda& cuda, View out, ConstView in, ConstView w, Conv g) {
  const bool each_pixel = out.shape.h * out.shape.w <= kGroupedPixels;
  const int group_h = each_pixel ? out.shape.h
                      : Up       ? g.stride
                                 : 1,
            group_w = each_pixel ? out.shape.w
                      : Up       ? g.stride
                                 : 1;
  const Windows<Up> problem{.out = out,
                            .in = in,
                            .w = w,
                            .g = g,
                            .group_h = group_h,
                            .group_w = group_w,
                            .n_tiles = ceil_div(out.shape.c, kTileN)};
  const int most_pixels = ceil_div(out.shape.h, group_h) * ceil_div(out.shape.w, group_w);
  const int side = Up ? ceil_div(g.kernel, g.stride) : g.kernel;  // taps along an axis, at most
  launch_gemm(cuda, problem, ceil_div(out.shape.n * most_pixels, kTileM), problem.n_tiles * group_h * group_w,
              side * side * in.shape.c,
              in.shape.c % 4 == 0 && (!Up || out.shape.c % 4 == 0) && aligned(in.data) && aligned(w.data));
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

void launch(Cuda& cuda, const ConvDown& k) {
  if (launch_one_channel(cuda, k)) return;
  if (k.g.kernel > kMaxKernel) return launch_portable(cuda, k);
  launch_windows<false>(cuda, k.small, k.big, k.w, k.g);
}

void launch(Cuda& cuda, const ConvUp& k) {
  if (launch_one_channel(cuda, k)) return;
  if (k.g.kernel > kMaxKernel) return launch_portable(cuda, k);
  launch_windows<true>(cuda, k.big, k.small, k.w, k.g);
}

void launch(Cuda& cuda, const ConvWeight& k) {
  if (launch_one_channel(cuda, k)) return;
  const WeightGradient problem{
      .dw = k.dw, .big = k.big, .small = k.small, .g = k.g, .n_tiles = ceil_div(k.big.shape.c, kTileN)};
  launch_gemm(cuda, problem, ceil_div(k.small.shape.c, kTileM), problem.n_tiles * k.g.kernel * k.g.kernel,
              k.small.shape.pixels(),
              k.big.shape.c % 4 == 0 && k.small.shape.c % 4 == 0 && aligned(k.big.data) && aligned(k.small.data));
}

}  // namespace snag
