// Sums of outer products of two rows of factors: one side (y) is read in vectors, elements of the other (x) are
// broadcast; a tile of sums stays in registers while it runs over rows.
#if defined(SNAG_OUTER_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_OUTER_INL_H
#undef SNAG_OUTER_INL_H
#else
#define SNAG_OUTER_INL_H
#endif

#include <cstddef>

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

constexpr int kOuterTile = kManyRegisters ? 16 : 12;  // accumulators

// Where in an image the two factors of a product lie.
struct Pair {
  int x, y;
};

// The rows: `pair_count` pairs in each image.
struct Factors {
  const real *x, *y;
  std::ptrdiff_t x_image, y_image;
  const Pair* pairs;
  int pair_count;
};

// `height` channels of x from `x` on, of one tap, against all channels of y. Its sums, from `sums` on, are
// [pair of vectors of y][height][2 vectors], the last pair maybe single.
struct Unit {
  int tap, x, height;
  std::ptrdiff_t sums;
};

// The heights that exist, given the number of vectors of y.
inline int unit_height(int x_left, int y_vectors) {
  const int full = y_vectors == 1 ? kOuterTile : kOuterTile / 2;
  return x_left >= full ? full : x_left >= kOuterTile / 2 ? kOuterTile / 2 : x_left >= 4 ? 4 : x_left >= 2 ? 2 : 1;
}

// sum[i][v] += a[i] b[v], for H elements and NV vectors
template <int H, int NV>
HWY_INLINE void add_products(const real* a, const real* b, Vector (&sum)[H][NV]) {
  Vector bv[NV];
#pragma GCC unroll 2
  for (int v = 0; v < NV; ++v) bv[v] = load(b + v * kLanes);
#pragma GCC unroll 16
  for (int i = 0; i < H; ++i) {
    const Vector ai = set(a[i]);
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) sum[i][v] = hn::MulAdd(ai, bv[v], sum[i][v]);
  }
}

template <int H, int NV>
HWY_INLINE void outer_tile(const Factors& f, int x, int y, int begin, int end, bool first, real* sums) {
  Vector sum[H][NV];
#pragma GCC unroll 16
  for (int i = 0; i < H; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) sum[i][v] = first ? hn::Zero(Tag()) : load(sums + (i * NV + v) * kLanes);
  for (int n = begin; n < end; ++n) {
    const real *xn = f.x + n * f.x_image + x, *yn = f.y + n * f.y_image + y;
    for (const Pair *pair = f.pairs, *last = f.pairs + f.pair_count; pair != last; ++pair)
      add_products(xn + pair->x, yn + pair->y, sum);
  }
#pragma GCC unroll 16
  for (int i = 0; i < H; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) store(sum[i][v], sums + (i * NV + v) * kLanes);
}

template <int NV>
HWY_INLINE void outer_height(const Factors& f, const Unit& u, int y, int begin, int end, bool first, real* sums) {
  if (NV == 1 && u.height == kOuterTile) return outer_tile<kOuterTile / NV, NV>(f, u.x, y, begin, end, first, sums);
  if (u.height == kOuterTile / 2) return outer_tile<kOuterTile / 2, NV>(f, u.x, y, begin, end, first, sums);
  if (u.height == 4) return outer_tile<4, NV>(f, u.x, y, begin, end, first, sums);
  if (u.height == 2) return outer_tile<2, NV>(f, u.x, y, begin, end, first, sums);
  outer_tile<1, NV>(f, u.x, y, begin, end, first, sums);
}

// sums (+)= the products of images begin .. end
inline void outer(const Factors& f, const Unit& u, int y_vectors, int begin, int end, bool first, real* sums) {
  sums += u.sums;
  int v = 0;
  for (; v + 2 <= y_vectors; v += 2, sums += 2 * u.height * kLanes)
    outer_height<2>(f, u, v * kLanes, begin, end, first, sums);
  if (v < y_vectors) outer_height<1>(f, u, v * kLanes, begin, end, first, sums);
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
