// The windows of window.h times packed columns for few images, read where they lie: each place of the window is seen by
// a rectangle of positions, so padding is skipped with nothing gathered. The order of each sum is that of `multiply`.
#if defined(SNAG_DIRECT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_DIRECT_INL_H
#undef SNAG_DIRECT_INL_H
#else
#define SNAG_DIRECT_INL_H
#endif

#include <algorithm>
#include <cstddef>

#include "kernels/cpu/product-inl.h"
#include "kernels/cpu/simd-inl.h"
#include "kernels/cpu/window.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

// With more rows than these, gathering them costs less than reading the weights by few at a time.
constexpr int kFewRows = 256;
inline bool few_rows(const WindowProblem& p) { return p.rows() <= kFewRows; }

constexpr int kDirectDepth = 128;                   // elements at a time: two panels of them stay in L1
constexpr int kTileWidth = kManyRegisters ? 8 : 4;  // positions of a line in a tile, at most; of two lines half of it

// Where positions of a map lie: steps along a line, from line to line, and from image to image.
struct Grid {
  std::ptrdiff_t pixel, line, image;
};

// out[y][x][v] += sum over k < depth of in[y][x][k] * b[v][k], for H lines of W positions and NV vectors of columns
template <int H, int W, int NV>
HWY_INLINE void direct_tile(const real* HWY_RESTRICT in, Grid from, const real* const* b, int depth, real* out,
                            Grid to) {
  Vector sum[H * W][NV];
  const real* a[H * W];
  const real* panel[NV];
#pragma GCC unroll 2
  for (int v = 0; v < NV; ++v) panel[v] = b[v];
#pragma GCC unroll 16
  for (int i = 0; i < H * W; ++i) {
    a[i] = in + i / W * from.line + i % W * from.pixel;
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) sum[i][v] = load(out + i / W * to.line + i % W * to.pixel + v * kLanes);
  }
  for (std::ptrdiff_t k = 0; k < depth; ++k) {
    Vector bk[NV];
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) bk[v] = load(panel[v] + k * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < H * W; ++i) {
      const Vector ai = set(a[i][k]);
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) sum[i][v] = hn::MulAdd(ai, bk[v], sum[i][v]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < H * W; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) store(sum[i][v], out + i / W * to.line + i % W * to.pixel + v * kLanes);
}

// One or two lines of `width` <= kTileWidth positions.
template <int H, int NV>
HWY_INLINE void direct_lines(int width, const real* in, Grid from, const real* const* b, int depth, real* out,
                             Grid to) {
  if constexpr (H * 8 <= kTileWidth) {
    if (width == 8) return direct_tile<H, 8, NV>(in, from, b, depth, out, to);
    if (width == 7) return direct_tile<H, 7, NV>(in, from, b, depth, out, to);
    if (width == 6) return direct_tile<H, 6, NV>(in, from, b, depth, out, to);
    if (width == 5) return direct_tile<H, 5, NV>(in, from, b, depth, out, to);
  }
  if constexpr (H * 4 <= kTileWidth) {
    if (width == 4) return direct_tile<H, 4, NV>(in, from, b, depth, out, to);
    if (width == 3) return direct_tile<H, 3, NV>(in, from, b, depth, out, to);
  }
  if (width == 2) return direct_tile<H, 2, NV>(in, from, b, depth, out, to);
  direct_tile<H, 1, NV>(in, from, b, depth, out, to);
}

// Positions (y, x) .. (y + lines, x + width) see places (jy, jx) .. (jy, jx + places) of the window inside the image.
struct Sight {
  int y, x, lines, width;
  int jy, jx, places;
};

// Calls fn(sight) for all places of the window, in order; no position of the stretches may see them.
template <class Fn>
void for_each_sight(const WindowProblem& p, const Stretch& ys, const Stretch& xs, const Fn& fn) {
  const auto seeing = [](const WindowAxis& a, const Stretch& s, int j) {
    int begin = s.begin, end = s.end;
    while (begin < end && begin * a.step + a.origin + j < 0) ++begin;
    while (begin < end && (end - 1) * a.step + a.origin + j >= a.in) --end;
    return std::pair(begin, end);
  };
  for (int jy = 0; jy < p.y.window; ++jy) {
    const auto [y, end_y] = seeing(p.y, ys, jy);
    for (int jx = 0, next = 0; jx < p.x.window; jx = next) {
      const auto [x, end_x] = seeing(p.x, xs, jx);
      for (next = jx + 1; next < p.x.window && seeing(p.x, xs, next) == std::pair(x, end_x);) ++next;
      fn(Sight{y, x, end_y - y, end_x - x, jy, jx, next - jx});
    }
  }
}

// The same for all positions.
template <class Fn>
void for_each_sight(const WindowProblem& p, const Fn& fn) {
  const auto whole = [](const WindowAxis& a) { return Stretch{0, a.positions, 0, a.window, 0, 1}; };
  for_each_sight(p, whole(p.y), whole(p.x), fn);
}

// The first place of a sight: where its first position sees it in image n, and its elements in the window.
inline const real* first_seen(const WindowProblem& p, const Sight& s, int n) {
  const int y = s.y * p.y.step + p.y.origin + s.jy, x = s.x * p.x.step + p.x.origin + s.jx;
  return p.in + (static_cast<std::ptrdiff_t>(n * p.y.in + y) * p.x.in + x) * p.in_channels;
}
inline std::ptrdiff_t first_element(const WindowProblem& p, const Sight& s) {
  return static_cast<std::ptrdiff_t>(s.jy * p.x.window + s.jx) * p.in_channels;
}
inline Grid positions_in(const WindowProblem& p) {
  return {static_cast<std::ptrdiff_t>(p.x.step) * p.in_channels,
          static_cast<std::ptrdiff_t>(p.y.step) * p.x.in * p.in_channels,
          static_cast<std::ptrdiff_t>(p.y.in) * p.x.in * p.in_channels};
}

// What NV columns get from a sight's positions. fetch(begin, depth, panel) says where elements begin .. begin + depth
// of the window lie in each panel.
template <int NV, class Fetch>
void direct_sight(const WindowProblem& p, const Sight& s, const real* in, const Fetch& fetch, real* out, Grid to) {
  const Grid from = positions_in(p);
  const int pieces = (s.width + kTileWidth - 1) / kTileWidth, elements = s.places * p.in_channels;
  for (int begin = 0; begin < elements; begin += kDirectDepth) {
    const int depth = std::min(kDirectDepth, elements - begin);
    const real* panel[NV];
    fetch(static_cast<int>(first_element(p, s)) + begin, depth, panel);
    for (int i = 0; i < p.images * pieces; ++i) {
      const int n = i / pieces, piece = i % pieces;
      const int x = s.width * piece / pieces, width = s.width * (piece + 1) / pieces - x;
      const real* a = in + n * from.image + x * from.pixel + begin;
      real* c = out + n * to.image + x * to.pixel;
      int y = 0;
      if (2 * width <= kTileWidth)
        for (; y + 2 <= s.lines; y += 2)
          direct_lines<2, NV>(width, a + y * from.line, from, panel, depth, c + y * to.line, to);
      for (; y < s.lines; ++y) direct_lines<1, NV>(width, a + y * from.line, from, panel, depth, c + y * to.line, to);
    }
  }
}

// Channel 0 of the pixel that position (y, x) of the stretches gives.
inline real* output_at(const WindowProblem& p, const Stretch& ys, const Stretch& xs, int n, int y, int x) {
  const int out_y = y * p.y.out_step + p.y.out_origin + ys.first_group,
            out_x = x * p.x.out_step + p.x.out_origin + xs.first_group;
  return p.out + (static_cast<std::ptrdiff_t>(n * p.y.out + out_y) * p.x.out + out_x) * p.out_channels;
}
// Sets channels begin .. end of all such pixels to zero.
inline void clear_outputs(const WindowProblem& p, const Stretch& ys, const Stretch& xs, int begin, int end) {
  for (int n = 0; n < p.images; ++n)
    for (int y = ys.begin; y < ys.end; ++y)
      for (int x = xs.begin; x < xs.end; ++x) std::fill_n(output_at(p, ys, xs, n, y, x) + begin, end - begin, real(0));
}

// NV panels of one group, for the positions of the stretches.
template <int NV, class Fetch>
void direct_panels(const WindowProblem& p, const Stretch& ys, const Stretch& xs, int panel, const Fetch& fetch) {
  const Grid to{static_cast<std::ptrdiff_t>(p.x.out_step) * p.out_channels,
                static_cast<std::ptrdiff_t>(p.y.out_step) * p.x.out * p.out_channels,
                static_cast<std::ptrdiff_t>(p.y.out) * p.x.out * p.out_channels};
  const int channel = panel % (p.out_channels / kLanes) * kLanes;
  clear_outputs(p, ys, xs, channel, channel + NV * kLanes);
  for_each_sight(p, ys, xs, [&](const Sight& s) {
    direct_sight<NV>(p, s, first_seen(p, s, 0), fetch, output_at(p, ys, xs, 0, s.y, s.x) + channel, to);
  });
}

// Each of `all` tasks reads weights of its own. Where they are fewer than wanted, some share weights, and cut the lines
// of positions between them.
inline int line_cuts(const WindowProblem& p, int wanted, int all) {
  return std::min(p.y.positions, std::max(1, wanted / all));
}
inline Stretch lines_of(Stretch ys, int cut, int cuts) {
  const int begin = ys.begin, lines = ys.end - ys.begin;
  ys.begin = begin + lines * cut / cuts;
  ys.end = begin + lines * (cut + 1) / cuts;
  return ys;
}

// out = windows * columns, in at least `wanted` tasks; fetch_of(thread, panel, count) gives a task the fetch of its
// panels.
template <class FetchOf>
void direct(Cpu& cpu, Scratch& scratch, const WindowProblem& p, int wanted, const FetchOf& fetch_of) {
  const Stretches ys = stretches(scratch, p.y, true), xs = stretches(scratch, p.x, true);
  const int per_group = p.out_channels / kLanes, pairs = (per_group + 1) / 2, all = ys.count * xs.count * pairs;
  const int cuts = line_cuts(p, wanted, all);
  cpu.pool.parallel_for(all * cuts, [&](int i, int thread) {
    const int cut = i % cuts, pair = i / cuts % pairs, group = i / cuts / pairs;
    const Stretch y = lines_of(ys.data[group / xs.count], cut, cuts), x = xs.data[group % xs.count];
    const int panel = group * per_group + pair * 2;
    if (pair * 2 + 2 <= per_group)
      direct_panels<2>(p, y, x, panel, fetch_of(thread, panel, 2));
    else
      direct_panels<1>(p, y, x, panel, fetch_of(thread, panel, 1));
  });
}

inline void direct(Cpu& cpu, Scratch& scratch, const WindowProblem& p, const real* panels) {
  const std::ptrdiff_t size = std::ptrdiff_t{p.window()} * kLanes;
  direct(cpu, scratch, p, 4 * cpu.pool.threads(), [=](int, int first, int count) {
    return [=](int begin, int, const real** panel) {
      for (int v = 0; v < count; ++v) panel[v] = panels + (first + v) * size + std::ptrdiff_t{begin} * kLanes;
    };
  });
}

// With columns that a task packs just before it uses them: pack(panel, begin, end, to) writes elements begin .. end of
// the depth of one.
template <class Pack>
void direct_packing(Cpu& cpu, Scratch& scratch, const WindowProblem& p, const Pack& pack) {
  const std::ptrdiff_t panel_size = kDepth * kLanes;
  const int threads = cpu.pool.threads();
  real* const room = scratch.take<real>(static_cast<std::size_t>(2 * threads * panel_size));
  direct(cpu, scratch, p, 2 * threads, [&](int thread, int first, int count) {
    return [&pack, first, count, panel_size, to = room + 2 * thread * panel_size](int begin, int depth,
                                                                                  const real** panel) {
      for (int v = 0; v < count; ++v) {
        pack(first + v, begin, begin + depth, to + v * panel_size);
        panel[v] = to + v * panel_size;
      }
    };
  });
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
