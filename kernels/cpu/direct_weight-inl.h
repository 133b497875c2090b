// The weight gradient, with whole vectors of big channels read where they lie: each place of the window joins a
// rectangle of positions. With few images writing dw is most of the work: each of its lines is written once, in order.
#if defined(SNAG_DIRECT_WEIGHT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_DIRECT_WEIGHT_INL_H
#undef SNAG_DIRECT_WEIGHT_INL_H
#else
#define SNAG_DIRECT_WEIGHT_INL_H
#endif

#include <algorithm>
#include <cstddef>

#include "kernels/conv.h"
#include "kernels/cpu/direct-inl.h"
#include "kernels/cpu/outer-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

// dw[i][v] (+)= sum over the sight's positions of small[position][i] * big[position][v], for H small channels and NV
// vectors
template <int H, int NV>
HWY_INLINE void weight_tile(int images, const Sight& s, const real* small, Grid in_small, const real* big, Grid in_big,
                            bool first, real* dw, std::ptrdiff_t row) {
  Vector sum[H][NV];
#pragma GCC unroll 8
  for (int i = 0; i < H; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) sum[i][v] = first ? hn::Zero(Tag()) : load(dw + i * row + v * kLanes);
  for (int n = 0; n < images; ++n)
    for (int y = 0; y < s.lines; ++y) {
      const real* a = small + n * in_small.image + y * in_small.line;
      const real* b = big + n * in_big.image + y * in_big.line;
      for (int x = 0; x < s.width; ++x, a += in_small.pixel, b += in_big.pixel) add_products(a, b, sum);
    }
#pragma GCC unroll 8
  for (int i = 0; i < H; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) store(sum[i][v], dw + i * row + v * kLanes);
}

// H small channels from `channel` on, and one line of the window, all places of which p has. The small channels are
// first packed side by side: pixels lie powers of two apart, where few of them fit into L1.
template <int H>
void weight_lines(const WindowProblem& p, const real* small, int small_channels, bool first, real* packed, real* dw,
                  std::ptrdiff_t row) {
  const Grid in_packed{H, std::ptrdiff_t{H} * p.x.positions, std::ptrdiff_t{H} * p.x.positions * p.y.positions};
  for (int i = 0; i < p.rows(); ++i) copy(packed + i * H, small + static_cast<std::ptrdiff_t>(i) * small_channels, H);
  for_each_sight(p, [&](const Sight& s) {
    const real* a = packed + s.y * in_packed.line + s.x * in_packed.pixel;
    const real* b = first_seen(p, s, 0);
    real* out = dw + first_element(p, s);
    const int elements = s.places * p.in_channels;
    int e = 0;
    for (; e + 2 * kLanes <= elements; e += 2 * kLanes)
      weight_tile<H, 2>(p.images, s, a, in_packed, b + e, positions_in(p), first, out + e, row);
    if (e < elements) weight_tile<H, 1>(p.images, s, a, in_packed, b + e, positions_in(p), first, out + e, row);
  });
}

// Images are taken a block at a time, small enough for the caches.
inline void direct_weight(Cpu& cpu, Scratch& scratch, const ConvWeight& k) {
  const Shape small = k.small.shape;
  constexpr int kHeight = kOuterTile / 2, kBlock = 1 << 12;  // small channels; positions
  const int step = std::clamp(kBlock / (small.h * small.w), 1, std::max(1, small.n));
  const std::size_t packed = static_cast<std::size_t>(step) * small.h * small.w * kHeight;
  real* const all_packed = scratch.take<real>(cpu.pool.threads() * packed);
  const std::ptrdiff_t line = std::ptrdiff_t{k.g.kernel} * k.big.shape.c, row = k.g.kernel * line;
  for (int n = 0; n < small.n; n += step) {
    ConvDown block{{nullptr, small}, k.big, {}, k.g};
    block.small.shape.n = block.big.shape.n = std::min(step, small.n - n);
    block.big.data += std::ptrdiff_t{n} * k.big.shape.image();
    const WindowProblem window = window_problem(block);
    const real* const in_small = k.small.data + std::ptrdiff_t{n} * small.image();
    const int groups = (small.c + kHeight - 1) / kHeight;
    cpu.pool.parallel_for(groups * k.g.kernel, [&](int task, int thread) {
      WindowProblem p = window;
      p.y.origin += task % k.g.kernel;
      p.y.window = 1;
      const auto lines = [&]<int H>(int channel) {
        weight_lines<H>(p, in_small + channel, small.c, n == 0, all_packed + thread * packed,
                        k.dw.data + channel * row + task % k.g.kernel * line, row);
        return channel + H;
      };
      int channel = task / k.g.kernel * kHeight;
      if (channel + kHeight <= small.c) return void(lines.template operator()<kHeight>(channel));
      for (; channel + 4 <= small.c;) channel = lines.template operator()<4>(channel);
      for (; channel < small.c;) channel = lines.template operator()<1>(channel);
    });
  }
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
