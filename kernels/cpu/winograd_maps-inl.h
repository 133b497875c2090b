// The 4x4 convolution of stride 2 as Winograd would do it: the maps of its three operands to points and back.
//
// Along an axis it is two sums of two taps, each over the pixels of one parity: with the planes a = 0, 1
//     plane_a[j] = big[2 j - 1 + a]  and  tap_a[u] = w[2 u + a]:   small[i] = sum over a, u of tap_a[u] plane_a[i + u].
// Four neighbouring outputs of such a sum take five products instead of eight (Toom-Cook at the points 0, 1, -1, 2 and
// infinity; Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016, write it so):
//     small = A^T ((G tap) . (B plane)).
// On both axes that is 25 products for 16 outputs and a plane instead of 64. In the trilinear form of conv.h, a tile of
// 4x4 small pixels becomes   sum over points p, planes and channels (a, c), o of  D[p][a c] U[p][o][a c] Y[p][o]
// with D = B plane B^T, U = G w G^T, Y = A small A^T; so its three partial maps are products of two of these at each
// point, brought back by the transposed matrix of the third.
#if defined(SNAG_WINOGRAD_MAPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_WINOGRAD_MAPS_INL_H
#undef SNAG_WINOGRAD_MAPS_INL_H
#else
#define SNAG_WINOGRAD_MAPS_INL_H
#endif

#include <algorithm>
#include <array>
#include <cstddef>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/pack-inl.h"
#include "kernels/cpu/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

// ---- the matrices

constexpr int kTile = 4, kAxisPoints = kTile + 1, kPointCount = kAxisPoints * kAxisPoints;
constexpr int kAxisTaps = 2, kPlanes = 4;  // taps of a plane along an axis; planes of both axes

template <std::size_t M, std::size_t N>
using Matrix2 = std::array<std::array<real, N>, M>;

constexpr real kSixth = real(1) / 6;
constexpr Matrix2<5, 4> kFromSmall{{{1, 0, 0, 0}, {1, 1, 1, 1}, {1, -1, 1, -1}, {1, 2, 4, 8}, {0, 0, 0, 1}}};
constexpr Matrix2<5, 5> kFromBig{
    {{2, -1, -2, 1, 0}, {0, 2, 1, -1, 0}, {0, -2, 3, -1, 0}, {0, -1, 0, 1, 0}, {0, 2, -1, -2, 1}}};
constexpr Matrix2<5, 2> kFromTaps{
    {{real(.5), 0}, {real(.5), real(.5)}, {kSixth, -kSixth}, {kSixth, 2 * kSixth}, {0, 1}}};

template <std::size_t M, std::size_t N>
constexpr Matrix2<N, M> transposed(const Matrix2<M, N>& a) {
  Matrix2<N, M> t{};
  for (std::size_t i = 0; i < M; ++i)
    for (std::size_t j = 0; j < N; ++j) t[j][i] = a[i][j];
  return t;
}
constexpr auto kToSmall = transposed(kFromSmall);
constexpr auto kToBig = transposed(kFromBig);
constexpr auto kToTaps = transposed(kFromTaps);

// sum over j >= kColumn of M[kRow][j] from[j * step], given that of the columns before
template <const auto& M, std::size_t kRow, std::size_t kColumn, bool kFirst>
HWY_INLINE Vector combine(const Vector* from, std::size_t step, Vector sum) {
  if constexpr (kColumn == M[0].size()) {
    return sum;
  } else {
    constexpr real m = M[kRow][kColumn];
    if constexpr (m == 0) return combine<M, kRow, kColumn + 1, kFirst>(from, step, sum);
    const Vector x = from[kColumn * step];
    Vector next;
    if constexpr (kFirst)
      next = m == 1 ? x : hn::Mul(set(m), x);
    else if constexpr (m == 1)
      next = hn::Add(sum, x);
    else if constexpr (m == -1)
      next = hn::Sub(sum, x);
    else
      next = hn::MulAdd(set(m), x, sum);
    return combine<M, kRow, kColumn + 1, false>(from, step, next);
  }
}

// to = M from, for the columns of a line-by-line matrix `count` apart
template <const auto& M, std::size_t kRow = 0>
HWY_INLINE void combine_rows(const Vector* from, std::size_t from_step, Vector* to, std::size_t to_step) {
  if constexpr (kRow < M.size()) {
    to[kRow * to_step] = combine<M, kRow, 0, true>(from, from_step, hn::Zero(Tag()));
    combine_rows<M, kRow + 1>(from, from_step, to, to_step);
  }
}

// to = M from M^T, both line by line
template <const auto& M>
HWY_INLINE void map_square(const Vector* from, Vector* to) {
  constexpr std::size_t kTo = M.size(), kFrom = M[0].size();
  Vector half[kTo * kFrom];
#pragma GCC unroll 8
  for (std::size_t j = 0; j < kFrom; ++j) combine_rows<M>(from + j, kFrom, half + j, kFrom);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kTo; ++i) combine_rows<M>(half + i * kFrom, 1, to + i * kTo, 1);
}

// ---- operands at the points

// For each point a matrix as product-inl.h reads and writes rows: element k of row i at block(p, k / kDepth) + i *
// kRowStride + k % kDepth.
struct Points {
  real* data;
  int rows, columns;
  std::ptrdiff_t point;  // from one point to the next; those of one element in different sets of a cache
  int blocks() const { return (columns + kDepth - 1) / kDepth; }
  std::ptrdiff_t offset(int row, int column) const {
    return (static_cast<std::ptrdiff_t>(column / kDepth) * rows + row) * kRowStride + column % kDepth;
  }
};

inline Points take_points(Scratch& scratch, int rows, int columns) {
  Points p{nullptr, rows, columns, 0};
  p.point = static_cast<std::ptrdiff_t>(p.blocks()) * rows * kRowStride + kLanes;
  p.data = scratch.take<real>(static_cast<std::size_t>(kPointCount * p.point));
  return p;
}

// For each point the panels of a matrix: element k of column j at data + p * point + (j / kLanes * depth + k) * kLanes
// + j % kLanes.
struct Panels {
  real* data;
  int depth, columns;
  std::ptrdiff_t point;
};

inline Panels take_panels(Scratch& scratch, int depth, int columns) {
  const std::ptrdiff_t point = static_cast<std::ptrdiff_t>(depth) * columns + kLanes;
  return {scratch.take<real>(static_cast<std::size_t>(kPointCount * point)), depth, columns, point};
}

HWY_INLINE void store_points(const Vector* v, real* to, std::ptrdiff_t point) {
#pragma GCC unroll 25
  for (int p = 0; p < kPointCount; ++p) store(v[p], to + p * point);
}
HWY_INLINE void load_points(const real* from, std::ptrdiff_t point, Vector* v) {
#pragma GCC unroll 25
  for (int p = 0; p < kPointCount; ++p) v[p] = load(from + p * point);
}

// ---- maps of images: rows are the tiles of some of them, image by image and line by line

struct ImageRange {
  int begin, end;
  int count() const { return end - begin; }
};

inline int tiles_of_image(Shape small) { return small.h / kTile * (small.w / kTile); }

// fn(image, tile y, tile x, row)
template <class Fn>
HWY_INLINE void for_each_tile(Shape small, ImageRange images, const Fn& fn) {
  int row = 0;
  for (int n = images.begin; n < images.end; ++n)
    for (int y = 0; y < small.h / kTile; ++y)
      for (int x = 0; x < small.w / kTile; ++x) fn(n, y, x, row++);
}

// Of pixel i, line by line, of a tile.
HWY_INLINE std::ptrdiff_t small_offset(Shape s, int n, int y, int x, int i) {
  return (static_cast<std::ptrdiff_t>(n * s.h + y * kTile + i / kTile) * s.w + x * kTile + i % kTile) * s.c;
}

inline void small_to_points(ConstView small, ImageRange images, const Points& to) {
  const Shape s = small.shape;
  for_each_tile(s, images, [&](int n, int y, int x, int row) {
    for (int c = 0; c < s.c; c += kLanes) {
      Vector in[kTile * kTile], out[kPointCount];
#pragma GCC unroll 16
      for (int i = 0; i < kTile * kTile; ++i) in[i] = load(small.data + small_offset(s, n, y, x, i) + c);
      map_square<kFromSmall>(in, out);
      store_points(out, to.data + to.offset(row, c), to.point);
    }
  });
}

inline void points_to_small(const Points& from, ImageRange images, View small) {
  const Shape s = small.shape;
  for_each_tile(s, images, [&](int n, int y, int x, int row) {
    for (int c = 0; c < s.c; c += kLanes) {
      Vector in[kPointCount], out[kTile * kTile];
      load_points(from.data + from.offset(row, c), from.point, in);
      map_square<kToSmall>(in, out);
#pragma GCC unroll 16
      for (int i = 0; i < kTile * kTile; ++i) store(out[i], small.data + small_offset(s, n, y, x, i) + c);
    }
  });
}

// The pixels of one plane of a tile, as offsets in the image; outside it: -1.
struct PlanePixels {
  std::ptrdiff_t at[kPointCount];
  PlanePixels(Shape big, int y, int x, int plane) {
    for (int i = 0; i < kPointCount; ++i) {
      const int row = 2 * (y * kTile + i / kAxisPoints) - 1 + plane / 2,
                column = 2 * (x * kTile + i % kAxisPoints) - 1 + plane % 2;
      const bool inside = row >= 0 && row < big.h && column >= 0 && column < big.w;
      at[i] = inside ? static_cast<std::ptrdiff_t>(row * big.w + column) * big.c : -1;
    }
  }
};

inline void big_to_points(ConstView big, Shape small, ImageRange images, const Points& to) {
  const int channels = big.shape.c;
  for_each_tile(small, images, [&](int n, int y, int x, int row) {
    const real* image = big.data + static_cast<std::ptrdiff_t>(n) * big.shape.image();
    for (int plane = 0; plane < kPlanes; ++plane) {
      const PlanePixels pixels(big.shape, y, x, plane);
      for (int c = 0; c < channels; c += kLanes) {
        Vector in[kPointCount], out[kPointCount];
#pragma GCC unroll 25
        for (int i = 0; i < kPointCount; ++i)
          in[i] = pixels.at[i] < 0 ? hn::Zero(Tag()) : load(image + pixels.at[i] + c);
        map_square<kFromBig>(in, out);
        store_points(out, to.data + to.offset(row, plane * channels + c), to.point);
      }
    }
  });
}

// Tiles share the pixels of their edges: an image is the sum of what all of them give.
inline void points_to_big(const Points& from, Shape small, ImageRange images, View big) {
  const int channels = big.shape.c;
  const std::ptrdiff_t size = big.shape.image();
  std::fill_n(big.data + images.begin * size, images.count() * size, real(0));
  for_each_tile(small, images, [&](int n, int y, int x, int row) {
    real* const image = big.data + n * size;
    for (int plane = 0; plane < kPlanes; ++plane) {
      const PlanePixels pixels(big.shape, y, x, plane);
      for (int c = 0; c < channels; c += kLanes) {
        Vector in[kPointCount], out[kPointCount];
        load_points(from.data + from.offset(row, plane * channels + c), from.point, in);
        map_square<kToBig>(in, out);
#pragma GCC unroll 25
        for (int i = 0; i < kPointCount; ++i) {
          if (pixels.at[i] < 0) continue;
          real* to = image + pixels.at[i] + c;
          store(hn::Add(load(to), out[i]), to);
        }
      }
    }
  });
}

// ---- maps of weights, which lie as [small channel][tap row][tap column][big channel]

// The tap of a plane, line by line.
HWY_INLINE int plane_tap(int plane, int i) {
  return (2 * (i / kAxisTaps) + plane / 2) * 2 * kAxisTaps + 2 * (i % kAxisTaps) + plane % 2;
}

// tap(plane, i) reads one.
template <class Tap>
HWY_INLINE void taps_to_points(int plane, const Tap& tap, real* to, std::ptrdiff_t point) {
  Vector in[kAxisTaps * kAxisTaps], out[kPointCount];
#pragma GCC unroll 4
  for (int i = 0; i < kAxisTaps * kAxisTaps; ++i) in[i] = tap(plane_tap(plane, i));
  map_square<kFromTaps>(in, out);
  store_points(out, to, point);
}

constexpr int kTaps = kPlanes * kAxisTaps * kAxisTaps;

// Columns are (plane, big channel), the depth runs over small channels.
inline void weights_to_panels_up(Cpu& cpu, ConstView w, const Panels& to) {
  const int channels = w.shape.c;
  cpu.pool.parallel_for(w.shape.n, [&](int o) {
    const real* from = w.data + static_cast<std::ptrdiff_t>(o) * kTaps * channels;
    for (int column = 0; column < kPlanes * channels; column += kLanes) {
      const int plane = column / channels, c = column % channels;
      taps_to_points(
          plane, [&](int tap) { return load(from + tap * channels + c); },
          to.data + static_cast<std::ptrdiff_t>(column) * to.depth + o * kLanes, to.point);
    }
  });
}

// Columns are small channels, the depth runs over (plane, big channel).
inline void weights_to_panels_down(Cpu& cpu, ConstView w, const Panels& to) {
  const int channels = w.shape.c, squares = channels / kLanes;
  cpu.pool.parallel_for(w.shape.n / kLanes * squares, [&](int task) {
    const int panel = task / squares, c = task % squares * kLanes;
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(kTaps) * channels;
    alignas(64) real turned[kTaps][kLanes][kLanes];  // small channels in the lanes
    for (int tap = 0; tap < kTaps; ++tap)
      transpose_square(w.data + panel * kLanes * row + tap * channels + c, row, turned[tap][0]);
    for (int plane = 0; plane < kPlanes; ++plane)
      for (int i = 0; i < kLanes; ++i)
        taps_to_points(
            plane, [&](int tap) { return load(turned[tap][i]); },
            to.data + (static_cast<std::ptrdiff_t>(panel) * to.depth + plane * channels + c + i) * kLanes, to.point);
  });
}

// Rows are small channels, columns (plane, big channel).
inline void points_to_weights(Cpu& cpu, const Points& from, View w) {
  const int channels = w.shape.c;
  cpu.pool.parallel_for(w.shape.n, [&](int o) {
    real* to = w.data + static_cast<std::ptrdiff_t>(o) * kTaps * channels;
    for (int column = 0; column < kPlanes * channels; column += kLanes) {
      const int plane = column / channels, c = column % channels;
      Vector in[kPointCount], out[kAxisTaps * kAxisTaps];
      load_points(from.data + from.offset(o, column), from.point, in);
      map_square<kToTaps>(in, out);
#pragma GCC unroll 4
      for (int i = 0; i < kAxisTaps * kAxisTaps; ++i) store(out[i], to + plane_tap(plane, i) * channels + c);
    }
  });
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
