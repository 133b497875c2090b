// The 4x4 convolution as Winograd would do it: the matrices that map its three operands to points and back.
//
// Along an axis, a convolution of stride S is a sum over S planes of pixels, each with every S-th tap:
//     plane_a[j] = big[S j + a - pad],  tap_a[u] = w[S u + a]:   small[i] = sum over a, u of tap_a[u] plane_a[i + u].
// m neighbouring outputs of r taps take m + r - 1 products instead of m r (Toom-Cook; Lavin and Gray, "Fast algorithms
// for convolutional neural networks", 2016, write it so):
//     small = A^T ((G tap) . (B plane)),
// where a row of A and of G has the powers of a point, and B undoes them. With stride 2 (two taps, m = 4) that is 25
// products on both axes for 16 outputs and a plane instead of 64; with stride 1 (four taps, m = 3) 36 instead of 144.
// In the trilinear form of conv.h, a tile of m x m small pixels becomes
//     sum over points p, planes and channels (a, c), o of  D[p][a c] U[p][o][a c] Y[p][o]
// with D = B plane B^T, U = G w G^T, Y = A small A^T; so its three partial maps are products of two of these at each
// point, brought back by the transposed matrix of the third.
#if defined(SNAG_WINOGRAD_MATRICES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_WINOGRAD_MATRICES_INL_H
#undef SNAG_WINOGRAD_MATRICES_INL_H
#else
#define SNAG_WINOGRAD_MATRICES_INL_H
#endif

#include <array>
#include <cstddef>

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

template <std::size_t M, std::size_t N>
using Matrix2 = std::array<std::array<real, N>, M>;

template <std::size_t M, std::size_t N>
constexpr Matrix2<N, M> transposed(const Matrix2<M, N>& a) {
  Matrix2<N, M> t{};
  for (std::size_t i = 0; i < M; ++i)
    for (std::size_t j = 0; j < N; ++j) t[j][i] = a[i][j];
  return t;
}

constexpr int kWinogradKernel = 4;

// What follows from the stride, the sizes of a tile and of the taps of a plane; along an axis where not said otherwise.
template <int kS, int kM>
struct Sizes {
  static constexpr int kStride = kS, kTile = kM, kTaps = kWinogradKernel / kS, kPoints = kM + kTaps - 1;
  static constexpr int kPlanes = kS * kS, kAllPoints = kPoints * kPoints, kTilePixels = kM * kM,
                       kPlaneTaps = kTaps * kTaps;  // of both axes
};

struct Stride2 : Sizes<2, 4> {  // points 0, 1, -1, 2 and infinity
  static constexpr Matrix2<5, 4> kA{{{1, 0, 0, 0}, {1, 1, 1, 1}, {1, -1, 1, -1}, {1, 2, 4, 8}, {0, 0, 0, 1}}};
  static constexpr Matrix2<5, 5> kB{
      {{2, -1, -2, 1, 0}, {0, 2, 1, -1, 0}, {0, -2, 3, -1, 0}, {0, -1, 0, 1, 0}, {0, 2, -1, -2, 1}}};
  static constexpr Matrix2<5, 2> kG{
      {{real(1) / 2, 0}, {real(1) / 2, real(1) / 2}, {real(1) / 6, real(-1) / 6}, {real(1) / 6, real(1) / 3}, {0, 1}}};
  static constexpr auto kAt = transposed(kA);
  static constexpr auto kBt = transposed(kB);
  static constexpr auto kGt = transposed(kG);
};

struct Stride1 : Sizes<1, 3> {  // points 0, 1, -1, 2, -1/2 and infinity: those of least error with so many
  static constexpr Matrix2<6, 3> kA{
      {{1, 0, 0}, {1, 1, 1}, {1, -1, 1}, {1, 2, 4}, {1, real(-1) / 2, real(1) / 4}, {0, 0, 1}}};
  static constexpr Matrix2<6, 6> kB{{{1, real(3) / 2, -2, real(-3) / 2, 1, 0},
                                     {0, 2, 5, 1, -2, 0},
                                     {0, 2, 1, -5, 2, 0},
                                     {0, -1, -2, 1, 2, 0},
                                     {0, -2, 1, 2, -1, 0},
                                     {0, 1, real(3) / 2, -2, real(-3) / 2, 1}}};
  static constexpr Matrix2<6, 4> kG{{{1, 0, 0, 0},
                                     {real(1) / 6, real(1) / 6, real(1) / 6, real(1) / 6},
                                     {real(1) / 6, real(-1) / 6, real(1) / 6, real(-1) / 6},
                                     {real(1) / 30, real(1) / 15, real(2) / 15, real(4) / 15},
                                     {real(16) / 15, real(-8) / 15, real(4) / 15, real(-2) / 15},
                                     {0, 0, 0, 1}}};
  static constexpr auto kAt = transposed(kA);
  static constexpr auto kBt = transposed(kB);
  static constexpr auto kGt = transposed(kG);
};

// to[i] = sum over j of M[i][j] from[j]; neighbours are `step` apart. Unrolled, the matrix becomes code without zeros.
template <const auto& M>
HWY_INLINE void combine(const Vector* from, std::size_t from_step, Vector* to, std::size_t to_step) {
  constexpr std::size_t kTo = M.size(), kFrom = M[0].size();
  SNAG_UNROLL(8)
  for (std::size_t i = 0; i < kTo; ++i) {
    Vector sum = hn::Zero(Tag());
    SNAG_UNROLL(8)
    for (std::size_t j = 0; j < kFrom; ++j)
      if (M[i][j] != 0) sum = hn::MulAdd(set(M[i][j]), from[j * from_step], sum);
    to[i * to_step] = sum;
  }
}

// to = M from M^T, both line by line
template <const auto& M>
HWY_INLINE void map_square(const Vector* from, Vector* to) {
  constexpr std::size_t kTo = M.size(), kFrom = M[0].size();
  Vector half[kTo * kFrom];
  SNAG_UNROLL(8)
  for (std::size_t j = 0; j < kFrom; ++j) combine<M>(from + j, kFrom, half + j, kFrom);
  SNAG_UNROLL(8)
  for (std::size_t i = 0; i < kTo; ++i) combine<M>(half + i * kFrom, 1, to + i * kTo, 1);
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
