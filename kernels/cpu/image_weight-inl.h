// ConvWeight of images of one channel, kernel 4, stride 2: the sums of 16 or 8 taps and one or two vectors
// of small channels stay in registers while they run over pixels; taps are broadcast from a framed image.
#if defined(SNAG_IMAGE_WEIGHT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_IMAGE_WEIGHT_INL_H
#undef SNAG_IMAGE_WEIGHT_INL_H
#else
#define SNAG_IMAGE_WEIGHT_INL_H
#endif

#include <algorithm>
#include <cstddef>

#include "kernels/conv.h"
#include "kernels/cpu/frame-inl.h"
#include "kernels/cpu/pack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

// Rows of taps whose sums fit the registers, for so many vectors: with two, a tap is loaded once for two products.
constexpr int tap_rows(int vectors) { return kImageKernel / (kManyRegisters ? vectors : 2); }

// sums[v][r][t] += sum over p, q of in[p * stride + r][q * stride + t] * small[p][q][v], for some lines of small pixels
// and NV vectors of their channels
template <int NV>
inline void image_weight_rows(const real* in, std::ptrdiff_t in_stride, const real* small, int lines, int pixels,
                              int channels, real* sums) {
  constexpr int kRows = tap_rows(NV), kVector = kImageKernel * kImageKernel * kLanes;
  Vector sum[kRows][kImageKernel][NV];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int t = 0; t < kImageKernel; ++t)
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) sum[r][t][v] = load(sums + v * kVector + (r * kImageKernel + t) * kLanes);
  for (int p = 0; p < lines; ++p, in += kImageStride * in_stride) {
    const real* row[kRows];
    for (int r = 0; r < kRows; ++r) row[r] = in + r * in_stride;
    for (int q = 0; q < pixels; ++q, small += channels) {
      Vector s[NV];
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) {
        s[v] = load(small + v * kLanes);
        __builtin_prefetch(small + pixels * channels + v * kLanes);  // next line: steps too long to be foreseen
      }
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
        for (int t = 0; t < kImageKernel; ++t) {
          const Vector tap = set(row[r][q * kImageStride + t]);
#pragma GCC unroll 2
          for (int v = 0; v < NV; ++v) sum[r][t][v] = hn::MulAdd(tap, s[v], sum[r][t][v]);
        }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int t = 0; t < kImageKernel; ++t)
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) store(sum[r][t][v], sums + v * kVector + (r * kImageKernel + t) * kLanes);
}

// sums[vector of small channels][tap][lane] += those of channels first .. last and small lines begin .. end, counted
// through the batch
inline void image_weight_lines(const ConvWeight& k, Frame& frame, int first, int last, int begin, int end, real* sums) {
  const Shape small = k.small.shape;
  for (int line = begin; line < end;) {
    const int n = line / small.h, top = line % small.h, count = std::min(small.h - top, end - line);
    frame.fill(k.big.data, n, top * kImageStride - k.g.pad, lines_seen(count));
    const real* from = k.small.data + static_cast<std::ptrdiff_t>(line) * small.w * small.c;
    constexpr int kTogether = 4;  // lines that stay in L1
    for (int p = 0; p < count; p += kTogether, from += static_cast<std::ptrdiff_t>(kTogether * small.w) * small.c)
      for (int o = first; o < last;) {
        const bool two = kManyRegisters && o + 2 * kLanes <= last;
        const auto some_rows = two ? image_weight_rows<2> : image_weight_rows<1>;
        for (int r = 0; r < kImageKernel; r += tap_rows(two ? 2 : 1))
          some_rows(frame.line(p * kImageStride + r), frame.stride(), from + o, std::min(kTogether, count - p), small.w,
                    small.c, sums + (o * kImageKernel + r * kLanes) * kImageKernel);
        o += two ? 2 * kLanes : kLanes;
      }
    line += count;
  }
}

// dw of channels o, o + 1, ... as many as a vector has, from the sums of each chunk, which are `size` apart
inline void image_weight_deliver(const ConvWeight& k, int o, const real* sums, int chunks, std::ptrdiff_t size) {
  constexpr int kTaps = kImageKernel * kImageKernel, kSquare = kLanes * kLanes;
  static_assert(kTaps % kLanes == 0);
  alignas(64) real by_tap[kSquare], by_channel[kSquare];
  for (int tap = 0; tap < kTaps; tap += kLanes) {
    const real* from = sums + o * kTaps + tap * kLanes;
    for (int t = 0; t < kSquare; t += kLanes) {
      Vector sum = load(from + t);
      for (int chunk = 1; chunk < chunks; ++chunk) sum = hn::Add(sum, load(from + chunk * size + t));
      store(sum, by_tap + t);
    }
    transpose_square(by_tap, kLanes, by_channel);
    for (int lane = 0; lane < kLanes; ++lane)
      copy(k.dw.data + (o + lane) * kTaps + tap, by_channel + lane * kLanes, kLanes);
  }
}

// Small channels must fill vectors. The shape alone decides which chunk sums which lines. Of few lines there is one
// chunk, and tasks share the channels, so that no sums go from one thread's cache to another's.
inline void image_weight(Cpu& cpu, Scratch& scratch, const ConvWeight& k) {
  constexpr int kLinesPerChunk = 16, kMostChunks = 16, kTaps = kImageKernel * kImageKernel;
  const Shape big = k.big.shape, small = k.small.shape;
  const int lines = small.n * small.h, chunks = std::clamp(lines / kLinesPerChunk, 1, kMostChunks),
            size = small.c * kTaps, share = chunks == 1 ? 2 * kLanes : small.c, shares = (small.c + share - 1) / share;
  const int reach = small.w * kImageStride + kImageKernel;
  Frame* own = frames(scratch, cpu.pool.threads(), big, k.g, lines_seen(small.h), reach);
  real* sums = scratch.take<real>(static_cast<std::size_t>(chunks) * static_cast<std::size_t>(size));
  cpu.pool.parallel_for(chunks * shares, [&](int task, int thread) {
    const int chunk = task / shares, first = task % shares * share, last = std::min(small.c, first + share);
    real* to = sums + static_cast<std::ptrdiff_t>(chunk) * size;
    std::fill_n(to + first * kTaps, (last - first) * kTaps, real(0));
    image_weight_lines(k, own[thread], first, last, static_cast<int>(std::int64_t{lines} * chunk / chunks),
                       static_cast<int>(std::int64_t{lines} * (chunk + 1) / chunks), to);
    if (chunks > 1) return;
    for (int o = first; o < last; o += kLanes) image_weight_deliver(k, o, to, 1, size);
  });
  if (chunks == 1) return;
  for (int o = 0; o < small.c; o += kLanes) image_weight_deliver(k, o, sums, chunks, size);
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
