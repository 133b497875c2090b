// ConvDown of images of one channel, kernel 4, stride 2: taps are broadcast from a framed image against vectors of
// output channels.
#if defined(SNAG_IMAGE_DOWN_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_IMAGE_DOWN_INL_H
#undef SNAG_IMAGE_DOWN_INL_H
#else
#define SNAG_IMAGE_DOWN_INL_H
#endif

#include "kernels/conv.h"
#include "kernels/cpu/bands.h"
#include "kernels/cpu/frame-inl.h"
#include "kernels/cpu/pack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

constexpr int kImageTile = kManyRegisters ? 16 : 8;  // accumulators; divides the lines of the networks

// One line of output pixels, and its taps.
struct ImageLine {
  const real* in;  // of the first pixel's first tap
  std::ptrdiff_t in_stride;
  real* out;
  int pixels, channels;
};

// Channels o, o + 1, ... of H pixels from q on, NV panels [tap][kLanes] of them. Each sum is one chain over the taps.
template <int H, int NV>
HWY_INLINE void image_down_tile(const ImageLine& line, int q, int o, const real* b) {
  constexpr int kTaps = kImageKernel * kImageKernel;
  real* out = line.out + static_cast<std::ptrdiff_t>(q) * line.channels + o;
  Vector sum[H][NV];
#pragma GCC unroll 16
  for (int i = 0; i < H; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) {
      sum[i][v] = hn::Zero(Tag());
      __builtin_prefetch(out + static_cast<std::ptrdiff_t>(i) * line.channels + v * kLanes, 1);
    }
  const real* a = line.in + static_cast<std::ptrdiff_t>(q) * kImageStride;
  for (int r = 0; r < kImageKernel; ++r, a += line.in_stride, b += kImageKernel * kLanes) {
#pragma GCC unroll 4
    for (int t = 0; t < kImageKernel; ++t) {
      Vector bt[NV];
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) bt[v] = load(b + (v * kTaps + t) * kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < H; ++i) {
        const Vector ai = set(a[i * kImageStride + t]);
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) sum[i][v] = hn::MulAdd(ai, bt[v], sum[i][v]);
      }
    }
  }
  const bool full = o + NV * kLanes <= line.channels;
#pragma GCC unroll 16
  for (int i = 0; i < H; ++i) {
    if (q + i >= line.pixels) break;
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v)
      if (full)
        store(sum[i][v], out + static_cast<std::ptrdiff_t>(i) * line.channels + v * kLanes);
      else
        store_part(sum[i][v], out + static_cast<std::ptrdiff_t>(i) * line.channels + v * kLanes,
                   std::min(kLanes, line.channels - o - v * kLanes));
  }
}

inline void image_down_line(const ImageLine& line, const real* packed) {
  constexpr int kPanel = kImageKernel * kImageKernel * kLanes;
  int o = 0;
  for (; o + 2 * kLanes <= line.channels; o += 2 * kLanes, packed += 2 * kPanel)
    for (int q = 0; q < line.pixels; q += kImageTile / 2) image_down_tile<kImageTile / 2, 2>(line, q, o, packed);
  for (; o < line.channels; o += kLanes, packed += kPanel)
    for (int q = 0; q < line.pixels; q += kImageTile) image_down_tile<kImageTile, 1>(line, q, o, packed);
}

inline void image_down(Cpu& cpu, Scratch& scratch, const ConvDown& k) {
  const Shape big = k.big.shape, small = k.small.shape;
  const real* packed = pack_down(cpu, scratch, window_problem(k), k.w);
  const int reach = (small.w + kImageTile) * kImageStride + kImageKernel;
  const Bands bands(small.n, small.h, cpu.pool.threads());
  Frame* own = frames(scratch, cpu.pool.threads(), big, k.g, lines_seen(bands.most_lines()), reach);
  cpu.pool.parallel_for(bands.count(), [&](int task, int thread) {
    const Band band = bands[task];
    Frame& frame = own[thread];
    frame.fill(k.big.data, band.n, band.begin * kImageStride - k.g.pad, lines_seen(band.end - band.begin));
    for (int p = band.begin; p < band.end; ++p)
      image_down_line(
          {frame.line((p - band.begin) * kImageStride), frame.stride(),
           k.small.data + (static_cast<std::ptrdiff_t>(band.n) * small.h + p) * small.w * small.c, small.w, small.c},
          packed);
  });
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
