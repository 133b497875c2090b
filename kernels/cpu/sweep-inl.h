// ConvUp of few images, with the weights as they lie: each line of them is read once, by all positions that see its
// place. The order of each sum is that of `multiply`.
#if defined(SNAG_SWEEP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_SWEEP_INL_H
#undef SNAG_SWEEP_INL_H
#else
#define SNAG_SWEEP_INL_H
#endif

#include <algorithm>
#include <cstddef>

#include "kernels/cpu/direct-inl.h"
#include "kernels/cpu/pack-inl.h"
#include "kernels/cpu/simd-inl.h"
#include "kernels/cpu/window.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

// Positions and vectors of channels of a tile.
constexpr int kSweptTile = 6, kSweptVectors = kManyRegisters ? 4 : 2;
// Lines of the weights that all positions meet before the next are read, few enough to stay in the caches.
constexpr int kLines = 64;
// So many lines ahead are asked for: they lie too far apart for the processor to see them come.
constexpr int kLinesAhead = 6;

// `lines` lines of weights, at b, b + stride, ..., and the first channel that their vectors give.
struct Lines {
  const real* b;
  std::ptrdiff_t stride;
  int lines, channel;
};

// out[i][channel + v] += sum over j < lines of in[i][j] * b[j * stride + v], for H positions and V vectors of channels
template <int H, int V, bool First>
HWY_INLINE void sweep_tile(const Lines& w, const real* const* in, std::ptrdiff_t element, real* const* out) {
  Vector sum[H][V];
  const real* a[H];
#pragma GCC unroll 6
  for (int i = 0; i < H; ++i) {
    a[i] = in[i] + element;
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sum[i][v] = load(out[i] + w.channel + v * kLanes);
  }
  const real* b = w.b;
  for (std::ptrdiff_t j = 0; j < w.lines; ++j, b += w.stride) {
    Vector line[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      line[v] = load(b + v * kLanes);
      if constexpr (First) __builtin_prefetch(b + kLinesAhead * w.stride + v * kLanes);
    }
#pragma GCC unroll 6
    for (int i = 0; i < H; ++i) {
      const Vector x = set(a[i][j]);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sum[i][v] = hn::MulAdd(x, line[v], sum[i][v]);
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < H; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) store(sum[i][v], out[i] + w.channel + v * kLanes);
}

// The same for H positions at most.
template <int V, bool First, int H = kSweptTile>
HWY_INLINE void sweep_up_to(int positions, const Lines& w, const real* const* in, std::ptrdiff_t element,
                            real* const* out) {
  if constexpr (H > 1)
    if (positions < H) return sweep_up_to<V, First, H - 1>(positions, w, in, element, out);
  sweep_tile<H, V, First>(w, in, element, out);
}

// For any number, in tiles that are as equal as can be.
template <int V>
HWY_INLINE void sweep_tiles(int positions, const Lines& w, const real* const* in, std::ptrdiff_t element,
                            real* const* out) {
  const int tiles = (positions + kSweptTile - 1) / kSweptTile;
  for (int tile = 0; tile < tiles; ++tile) {
    const int i = positions * tile / tiles, count = positions * (tile + 1) / tiles - i;
    if (tile == 0)
      sweep_up_to<V, true>(count, w, in, element, out);
    else
      sweep_up_to<V, false>(count, w, in + i, element, out + i);
  }
}

// Channels begin .. end of one group's pixels, whole vectors of them.
inline void sweep_group(const WindowProblem& p, const ConvUp& k, const Stretch& ys, const Stretch& xs, int begin,
                        int end) {
  clear_outputs(p, ys, xs, begin, end);
  const int group = ys.first_group * p.x.groups + xs.first_group;
  const std::ptrdiff_t stride = up_stride(p, k);
  const Grid from = positions_in(p);
  for_each_sight(p, ys, xs, [&](const Sight& s) {
    const real* in[kFewRows];
    real* out[kFewRows];
    int seen = 0;
    for (int n = 0; n < p.images; ++n) {
      const real* const first = first_seen(p, s, n);
      for (int y = 0; y < s.lines; ++y)
        for (int x = 0; x < s.width; ++x) {
          in[seen] = first + y * from.line + x * from.pixel;
          out[seen++] = output_at(p, ys, xs, n, s.y + y, s.x + x);
        }
    }
    for (int place = 0; place < s.places; ++place) {
      const real* b = up_line(p, k, group, s.jy * p.x.window + s.jx + place);
      for (int o = 0; o < p.in_channels; o += kLines) {
        const std::ptrdiff_t element = static_cast<std::ptrdiff_t>(place) * p.in_channels + o;
        Lines w{b + o * stride + begin, stride, std::min(kLines, p.in_channels - o), begin};
        const auto pass = [&]<int V>() {
          for (; w.channel + V * kLanes <= end; w.channel += V * kLanes, w.b += V * kLanes)
            sweep_tiles<V>(seen, w, in, element, out);
        };
        pass.template operator()<kSweptVectors>();
        pass.template operator()<1>();
      }
    }
  });
}

// Whether so few rows meet a weight that it is best used as it lies.
inline bool sweeps(const WindowProblem& p, const ConvUp& k) {
  // Of any group, at most.
  const auto positions = [](const WindowAxis& a) { return (a.out + a.groups - 1) / a.groups; };
  return k.g.kernel % k.g.stride == 0 && p.out_channels % kLanes == 0 &&
         p.images * positions(p.y) * positions(p.x) <= kFewRows;
}

inline void sweep(Cpu& cpu, Scratch& scratch, const WindowProblem& p, const ConvUp& k) {
  const Stretches ys = stretches(scratch, p.y, true), xs = stretches(scratch, p.x, true);
  constexpr int kUnit = kSweptVectors * kLanes;
  const int units = (p.out_channels + kUnit - 1) / kUnit, wanted = 4 * cpu.pool.threads();
  const int columns = std::min(units, std::max(1, wanted / p.groups())), all = p.groups() * columns;
  const int cuts = line_cuts(p, wanted, all);
  cpu.pool.parallel_for(all * cuts, [&](int i, int) {
    const int cut = i % cuts, column = i / cuts % columns, group = i / cuts / columns;
    const auto border = [&](int at) { return std::min(p.out_channels, units * at / columns * kUnit); };
    sweep_group(p, k, lines_of(ys.data[group / xs.count], cut, cuts), xs.data[group % xs.count], border(column),
                border(column + 1));
  });
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
