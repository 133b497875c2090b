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

// Elements begin .. end of the depth of one panel: to[k - begin][o % kLanes] from w [o][k]
inline void pack_down_panel(const WindowProblem& p, const real* w, int panel, int begin, int end, real* to) {
  const int depth = p.window(), lanes = std::min(kLanes, p.out_channels - panel * kLanes);
  const real* from = w + static_cast<std::ptrdiff_t>(panel) * kLanes * depth;
  int k = begin;
  if (lanes == kLanes)
    for (; k + kLanes <= end; k += kLanes, to += kLanes * kLanes) transpose_square(from + k, depth, to);
  for (; k < end; ++k, to += kLanes)
    for (int i = 0; i < kLanes; ++i) to[i] = i < lanes ? from[static_cast<std::ptrdiff_t>(i) * depth + k] : real(0);
}

// All panels, which pack(to) writes: kept where the weights are frozen, else made for this pass.
template <class Pack>
const real* all_panels(Cpu& cpu, Scratch& scratch, const WindowProblem& p, ConstView w, int stride, const Pack& pack) {
  const int panels = p.groups() * ((p.out_channels + kLanes - 1) / kLanes);
  const std::size_t size = static_cast<std::size_t>(panels) * static_cast<std::size_t>(p.window()) * kLanes;
  if (cpu.frozen.holds(w)) return cpu.frozen.packed({w.data, w.shape, stride, kLanes}, size, pack);
  real* to = scratch.take<real>(size);
  pack(to);
  return to;
}

// [o][k] -> panels [o / kLanes][k][o % kLanes], k = (r, t, c). A task has a piece of a panel, or as many short panels
// as make one: of one channel's 16 taps all panels are less work than sharing them.
inline const real* pack_down(Cpu& cpu, Scratch& scratch, const WindowProblem& p, ConstView w) {
  constexpr int kPiece = 512;
  const int depth = p.window(), panels = (p.out_channels + kLanes - 1) / kLanes;
  const int pieces = (depth + kPiece - 1) / kPiece, together = std::max(1, kPiece / depth);
  return all_panels(cpu, scratch, p, w, 0, [&](real* to) {
    cpu.pool.parallel_for((panels + together - 1) / together * pieces, [&](int task) {
      const int first = task / pieces * together, begin = task % pieces * kPiece;
      for (int panel = first; panel < std::min(panels, first + together); ++panel)
        pack_down_panel(p, w.data, panel, begin, std::min(depth, begin + kPiece),
                        to + (static_cast<std::ptrdiff_t>(panel) * depth + begin) * kLanes);
    });
  });
}

// What small channel 0 seen at place (jy, jx) of the window adds to the channels of a group's pixel; that of channel o
// lies up_stride further, o times. Small position j of the window meets tap residue + stride * (window - 1 - j); null
// where there is none.
inline const real* up_line(const WindowProblem& p, const ConvUp& k, int group, int place) {
  const int window = p.y.window, kernel = k.g.kernel, stride = k.g.stride;
  const int r = group / stride + stride * (window - 1 - place / window),
            t = group % stride + stride * (window - 1 - place % window);
  if (r >= kernel || t >= kernel) return nullptr;
  return k.w.data + static_cast<std::ptrdiff_t>(r * kernel + t) * p.out_channels;
}
inline std::ptrdiff_t up_stride(const WindowProblem& p, const ConvUp& k) {
  return static_cast<std::ptrdiff_t>(k.g.kernel) * k.g.kernel * p.out_channels;
}

// Columns are (residue y, residue x, c), kLanes of c to a panel; rows of a panel are (small y, small x, o).
inline const real* pack_up(Cpu& cpu, Scratch& scratch, const WindowProblem& p, const ConvUp& k) {
  const int places = p.y.window * p.x.window, per_group = (p.out_channels + kLanes - 1) / kLanes;
  const std::ptrdiff_t panel_size = static_cast<std::ptrdiff_t>(p.window()) * kLanes, stride = up_stride(p, k);
  return all_panels(cpu, scratch, p, k.w, k.g.stride, [&](real* panels) {
    cpu.pool.parallel_for(p.groups() * places, [&](int task) {
      const int group = task / places, place = task % places;
      const real* line = up_line(p, k, group, place);
      real* to = panels + group * per_group * panel_size + static_cast<std::ptrdiff_t>(place) * p.in_channels * kLanes;
      for (int o = 0; o < p.in_channels; ++o, to += kLanes)
        for (int v = 0; v < per_group; ++v) {
          const int count = line ? std::min(kLanes, p.out_channels - v * kLanes) : 0;
          const real* from = count > 0 ? line + o * stride + v * kLanes : nullptr;
          if (count == kLanes)
            store(load(from), to + v * panel_size);
          else
            for (int i = 0; i < kLanes; ++i) to[v * panel_size + i] = i < count ? from[i] : real(0);
        }
    });
  });
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
