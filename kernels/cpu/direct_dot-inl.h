// `dot` of product-inl.h for few images, with windows read where they lie, as in direct-inl.h: the weights are used as
// they lie, too, and read once.
#if defined(SNAG_DIRECT_DOT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_DIRECT_DOT_INL_H
#undef SNAG_DIRECT_DOT_INL_H
#else
#define SNAG_DIRECT_DOT_INL_H
#endif

#include "kernels/cpu/direct-inl.h"
#include "kernels/cpu/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

// sums[i][j] += a[i] * b[j] along k < depth, lane by lane, for H positions and W columns that lie `column` apart
template <int H, int W>
HWY_INLINE void dot_positions(const real* const* a, const real* b, std::ptrdiff_t column, int depth,
                              real* const* sums) {
  Vector sum[H][W];
#pragma GCC unroll 4
  for (int i = 0; i < H; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < W; ++j) sum[i][j] = load(sums[i] + j * kLanes);
  for (std::ptrdiff_t k = 0; k < depth; k += kLanes) {
    Vector bk[W];
#pragma GCC unroll 8
    for (int j = 0; j < W; ++j) bk[j] = load(b + j * column + k);
#pragma GCC unroll 4
    for (int i = 0; i < H; ++i) {
      const Vector ai = load(a[i] + k);
#pragma GCC unroll 8
      for (int j = 0; j < W; ++j) sum[i][j] = hn::MulAdd(ai, bk[j], sum[i][j]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < H; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < W; ++j) store(sum[i][j], sums[i] + j * kLanes);
}

// W columns of all positions; `sums` holds W vectors for each.
template <int W>
void direct_dot_columns(const WindowProblem& p, const real* w, int column, real* sums) {
  const std::ptrdiff_t depth = p.window();
  const Grid from = positions_in(p);
  std::fill_n(sums, static_cast<std::ptrdiff_t>(p.rows()) * W * kLanes, real(0));
  for_each_sight(p, [&](const Sight& s) {
    const real* b = w + column * depth + first_element(p, s);
    const int elements = s.places * p.in_channels;
    const real* a[kDotRows];
    real* to[kDotRows];
    int count = 0;
    for (int n = 0; n < p.images; ++n) {
      const real* in = first_seen(p, s, n);
      for (int y = 0; y < s.lines; ++y)
        for (int x = 0; x < s.width; ++x) {
          a[count] = in + y * from.line + x * from.pixel;
          to[count] =
              sums + static_cast<std::ptrdiff_t>((n * p.y.positions + s.y + y) * p.x.positions + s.x + x) * W * kLanes;
          if (++count < kDotRows) continue;
          dot_positions<kDotRows, W>(a, b, depth, elements, to);
          count = 0;
        }
    }
    int i = 0;
    for (; i + 2 <= count; i += 2) dot_positions<2, W>(a + i, b, depth, elements, to + i);
    if (i < count) dot_positions<1, W>(a + i, b, depth, elements, to + i);
  });
  for (int row = 0; row < p.rows(); ++row)
    for (int j = 0; j < W; ++j, sums += kLanes)
      p.out[static_cast<std::ptrdiff_t>(row) * p.out_channels + column + j] =
          hn::GetLane(hn::SumOfLanes(Tag(), load(sums)));
}

// small = windows of big * w, for window_problem(ConvDown) with whole vectors of channels
inline void direct_dot(Cpu& cpu, Scratch& scratch, const WindowProblem& p, const real* w) {
  const int wide = p.out_channels / kWide, left = p.out_channels % kWide;
  const std::size_t size = static_cast<std::size_t>(p.rows()) * kWide * kLanes;
  real* sums = scratch.take<real>(size * static_cast<std::size_t>(cpu.pool.threads()));
  cpu.pool.parallel_for(wide + (left > 0), [&](int i, int thread) {
    real* own = sums + size * static_cast<std::size_t>(thread);
    int column = i * kWide;
    if (i < wide) return direct_dot_columns<kWide>(p, w, column, own);
    for (; column + 2 <= p.out_channels; column += 2) direct_dot_columns<2>(p, w, column, own);
    if (column < p.out_channels) direct_dot_columns<1>(p, w, column, own);
  });
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
