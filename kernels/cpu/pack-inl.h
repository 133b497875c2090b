// The weights, which lie as [small channel][tap row][tap column][big channel], as matrices for product-inl.h.
#if defined(SNAG_PACK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_PACK_INL_H
#undef SNAG_PACK_INL_H
#else
#define SNAG_PACK_INL_H
#endif

#include <algorithm>
#include <cstddef>

#include "kernels/cpu/simd-inl.h"
#include "kernels/cpu/window.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

// to[j][i] = from[i][j] for kLanes x kLanes elements. Each step takes the even lanes of all vectors, then the odd ones,
// so it rotates the bits of an element's place (vector, lane) by one; log2(kLanes) steps swap vector and lane.
inline void transpose_square(const real* from, std::ptrdiff_t stride, real* to) {
#if HWY_TARGET == HWY_SCALAR
  (void)stride;
  *to = *from;
#else
  Vector a[kLanes], b[kLanes];
  const Tag d;
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) a[i] = load(from + i * stride);
#pragma GCC unroll 4
  for (int n = 1; n < kLanes; n *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < kLanes / 2; ++i) {
      b[i] = hn::ConcatEven(d, a[2 * i + 1], a[2 * i]);
      b[i + kLanes / 2] = hn::ConcatOdd(d, a[2 * i + 1], a[2 * i]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) a[i] = b[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) store(a[i], to + i * kLanes);
#endif
}

// [o][k] -> panels [o / kLanes][k][o % kLanes], k = (r, t, c)
inline const real* pack_down(Cpu& cpu, Scratch& scratch, const WindowProblem& p, const real* w) {
  const int depth = p.window(), panels = (p.out_channels + kLanes - 1) / kLanes;
  constexpr int kPiece = 512;
  const int pieces = (depth + kPiece - 1) / kPiece;
  real* packed = scratch.take<real>(static_cast<std::size_t>(panels) * static_cast<std::size_t>(depth) * kLanes);
  cpu.pool.parallel_for(panels * pieces, [&](int task) {
    const int panel = task / pieces, end = std::min(depth, (task % pieces + 1) * kPiece);
    const int lanes = std::min(kLanes, p.out_channels - panel * kLanes);
    const real* from = w + static_cast<std::ptrdiff_t>(panel) * kLanes * depth;
    real* to = packed + static_cast<std::ptrdiff_t>(panel) * kLanes * depth;
    int k = task % pieces * kPiece;
    if (lanes == kLanes)
      for (; k + kLanes <= end; k += kLanes)
        transpose_square(from + k, depth, to + static_cast<std::ptrdiff_t>(k) * kLanes);
    for (; k < end; ++k)
      for (int i = 0; i < kLanes; ++i)
        to[static_cast<std::ptrdiff_t>(k) * kLanes + i] =
            i < lanes ? from[static_cast<std::ptrdiff_t>(i) * depth + k] : real(0);
  });
  return packed;
}

// Columns are (residue y, residue x, c), `lanes` of c to a panel; rows of a panel are (small y, small x, o), where
// small position j of the window meets tap residue + stride * (window - 1 - j).
inline const real* pack_up(Cpu& cpu, Scratch& scratch, const WindowProblem& p, const ConvUp& k, int lanes) {
  const int window = p.y.window, kernel = k.g.kernel, stride = k.g.stride, o_count = p.in_channels,
            c_count = p.out_channels;
  const int per_group = (c_count + lanes - 1) / lanes;
  const std::ptrdiff_t panel_size = static_cast<std::ptrdiff_t>(p.window()) * lanes;
  real* packed =
      scratch.take<real>(static_cast<std::size_t>(p.groups() * per_group) * static_cast<std::size_t>(panel_size));
  // One task per tap, or place without a tap, of the window of a group.
  cpu.pool.parallel_for(p.groups() * window * window, [&](int task) {
    const int group = task / (window * window), jy = task / window % window, jx = task % window;
    const int r = group / stride + stride * (window - 1 - jy), t = group % stride + stride * (window - 1 - jx);
    const bool tap = r < kernel && t < kernel;
    for (int o = 0; o < o_count; ++o) {
      const real* from = k.w.data + static_cast<std::ptrdiff_t>((o * kernel + r) * kernel + t) * c_count;
      for (int v = 0; v < per_group; ++v) {
        real* to = packed + (group * per_group + v) * panel_size +
                   static_cast<std::ptrdiff_t>((jy * window + jx) * o_count + o) * lanes;
        const int count = tap ? std::min(lanes, c_count - v * lanes) : 0;
        if (lanes == kLanes && count == kLanes) {
          store(load(from + v * lanes), to);
          continue;
        }
        for (int i = 0; i < lanes; ++i) to[i] = i < count ? from[v * lanes + i] : real(0);
      }
    }
  });
  return packed;
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
