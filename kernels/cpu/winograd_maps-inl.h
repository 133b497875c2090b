// The operands of the 4x4 convolution at the points of winograd_matrices-inl.h: how they lie there, and the ways there
// and back.
#if defined(SNAG_WINOGRAD_MAPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_WINOGRAD_MAPS_INL_H
#undef SNAG_WINOGRAD_MAPS_INL_H
#else
#define SNAG_WINOGRAD_MAPS_INL_H
#endif

#include <algorithm>
#include <cstddef>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/pack-inl.h"
#include "kernels/cpu/product-inl.h"
#include "kernels/cpu/winograd_matrices-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

// ---- operands at the points

// For each point a matrix as product-inl.h reads and writes rows: element k of row i at offset(i, k).
struct Points {
  real* data;
  int rows, columns;
  std::ptrdiff_t point;  // from one point to the next; those of one element in different sets of a cache
  int blocks() const { return (columns + kDepth - 1) / kDepth; }
  std::ptrdiff_t offset(int row, int column) const {
    return (static_cast<std::ptrdiff_t>(column / kDepth) * rows + row) * kRowStride + column % kDepth;
  }
};

inline Points take_points(Scratch& scratch, int points, int rows, int columns) {
  Points p{nullptr, rows, columns, 0};
  p.point = static_cast<std::ptrdiff_t>(p.blocks()) * rows * kRowStride + kLanes;
  p.data = scratch.take<real>(static_cast<std::size_t>(points * p.point));
  return p;
}

// For each point the panels of a matrix: element k of column j at data + p * point + (j / kLanes * depth + k) * kLanes
// + j % kLanes.
struct Panels {
  real* data;
  int depth, columns;
  std::ptrdiff_t point;
};

inline Panels take_panels(Scratch& scratch, int points, int depth, int columns) {
  const std::ptrdiff_t point = static_cast<std::ptrdiff_t>(depth) * columns + kLanes;
  return {scratch.take<real>(static_cast<std::size_t>(points * point)), depth, columns, point};
}

template <int kCount>
HWY_INLINE void store_points(const Vector (&v)[kCount], real* to, std::ptrdiff_t point) {
  SNAG_UNROLL(36)
  for (int p = 0; p < kCount; ++p) store(v[p], to + p * point);
}
template <int kCount>
HWY_INLINE void load_points(const real* from, std::ptrdiff_t point, Vector (&v)[kCount]) {
  SNAG_UNROLL(36)
  for (int p = 0; p < kCount; ++p) v[p] = load(from + p * point);
}

// ---- maps of images: rows are the tiles of some of them, image by image and line by line

// Some neighbours of many: images, channels, or planes.
struct Span {
  int begin, end;
  int count() const { return end - begin; }
};

template <class S>
int tiles_of_image(Shape small) {
  return small.h / S::kTile * (small.w / S::kTile);
}

// fn(image, tile y, tile x, row)
template <class S, class Fn>
HWY_INLINE void for_each_tile(Shape small, Span images, const Fn& fn) {
  int row = 0;
  for (int n = images.begin; n < images.end; ++n)
    for (int y = 0; y < small.h / S::kTile; ++y)
      for (int x = 0; x < small.w / S::kTile; ++x) fn(n, y, x, row++);
}

// Of pixel i, line by line, of a tile.
template <class S>
HWY_INLINE std::ptrdiff_t small_offset(Shape s, int n, int y, int x, int i) {
  return (static_cast<std::ptrdiff_t>(n * s.h + y * S::kTile + i / S::kTile) * s.w + x * S::kTile + i % S::kTile) * s.c;
}

template <class S>
void small_to_points(ConstView small, Span images, const Points& to) {
  const Shape s = small.shape;
  for_each_tile<S>(s, images, [&](int n, int y, int x, int row) {
    for (int c = 0; c < s.c; c += kLanes) {
      Vector in[S::kTilePixels], out[S::kAllPoints];
      SNAG_UNROLL(16)
      for (int i = 0; i < S::kTilePixels; ++i) in[i] = load(small.data + small_offset<S>(s, n, y, x, i) + c);
      map_square<S::kA>(in, out);
      store_points(out, to.data + to.offset(row, c), to.point);
    }
  });
}

// Some channels, whose first is column 0 at the points.
template <class S>
void points_to_small(const Points& from, Span images, Span channels, View small) {
  const Shape s = small.shape;
  for_each_tile<S>(s, images, [&](int n, int y, int x, int row) {
    for (int c = channels.begin; c < channels.end; c += kLanes) {
      Vector in[S::kAllPoints], out[S::kTilePixels];
      load_points(from.data + from.offset(row, c - channels.begin), from.point, in);
      map_square<S::kAt>(in, out);
      SNAG_UNROLL(16)
      for (int i = 0; i < S::kTilePixels; ++i) store(out[i], small.data + small_offset<S>(s, n, y, x, i) + c);
    }
  });
}

// The pixels of one plane that a tile sees, as offsets in the image; outside it: -1.
template <class S>
struct PlanePixels {
  std::ptrdiff_t at[S::kAllPoints];
  PlanePixels(Shape big, int pad, int y, int x, int plane) {
    for (int i = 0; i < S::kAllPoints; ++i) {
      const int row = S::kStride * (y * S::kTile + i / S::kPoints) + plane / S::kStride - pad,
                column = S::kStride * (x * S::kTile + i % S::kPoints) + plane % S::kStride - pad;
      const bool inside = row >= 0 && row < big.h && column >= 0 && column < big.w;
      at[i] = inside ? static_cast<std::ptrdiff_t>(row * big.w + column) * big.c : -1;
    }
  }
};

// Some planes, the first of them from column 0 on.
template <class S>
void big_to_points(ConstView big, int pad, Shape small, Span images, Span planes, const Points& to) {
  const int channels = big.shape.c;
  for_each_tile<S>(small, images, [&](int n, int y, int x, int row) {
    const real* image = big.data + static_cast<std::ptrdiff_t>(n) * big.shape.image();
    for (int plane = planes.begin; plane < planes.end; ++plane) {
      const PlanePixels<S> pixels(big.shape, pad, y, x, plane);
      for (int c = 0; c < channels; c += kLanes) {
        Vector in[S::kAllPoints], out[S::kAllPoints];
        SNAG_UNROLL(36)
        for (int i = 0; i < S::kAllPoints; ++i)
          in[i] = pixels.at[i] < 0 ? hn::Zero(Tag()) : load(image + pixels.at[i] + c);
        map_square<S::kB>(in, out);
        store_points(out, to.data + to.offset(row, (plane - planes.begin) * channels + c), to.point);
      }
    }
  });
}

// Tiles share the pixels of their edges: an image is the sum of what all of them give. Plane 0 comes first, and
// empties the image for all.
template <class S>
void points_to_big(const Points& from, int pad, Shape small, Span images, Span planes, View big) {
  const int channels = big.shape.c;
  const std::ptrdiff_t size = big.shape.image();
  if (planes.begin == 0) std::fill_n(big.data + images.begin * size, images.count() * size, real(0));
  for_each_tile<S>(small, images, [&](int n, int y, int x, int row) {
    real* const image = big.data + n * size;
    for (int plane = planes.begin; plane < planes.end; ++plane) {
      const PlanePixels<S> pixels(big.shape, pad, y, x, plane);
      for (int c = 0; c < channels; c += kLanes) {
        Vector in[S::kAllPoints], out[S::kAllPoints];
        load_points(from.data + from.offset(row, (plane - planes.begin) * channels + c), from.point, in);
        map_square<S::kBt>(in, out);
        SNAG_UNROLL(36)
        for (int i = 0; i < S::kAllPoints; ++i) {
          if (pixels.at[i] < 0) continue;
          real* to = image + pixels.at[i] + c;
          store(hn::Add(load(to), out[i]), to);
        }
      }
    }
  });
}

// ---- maps of weights, which lie as [small channel][tap row][tap column][big channel]

constexpr int kKernelTaps = kWinogradKernel * kWinogradKernel;

// Tap i of a plane, line by line.
template <class S>
HWY_INLINE int plane_tap(int plane, int i) {
  return (S::kStride * (i / S::kTaps) + plane / S::kStride) * kWinogradKernel + S::kStride * (i % S::kTaps) +
         plane % S::kStride;
}

// tap(i) reads tap i of the kernel.
template <class S, class Tap>
HWY_INLINE void taps_to_points(int plane, const Tap& tap, real* to, std::ptrdiff_t point) {
  Vector in[S::kPlaneTaps], out[S::kAllPoints];
  SNAG_UNROLL(16)
  for (int i = 0; i < S::kPlaneTaps; ++i) in[i] = tap(plane_tap<S>(plane, i));
  map_square<S::kG>(in, out);
  store_points(out, to, point);
}

// Columns are (plane, big channel), the depth runs over small channels.
template <class S>
void weights_to_panels_up(Cpu& cpu, ConstView w, Span planes, const Panels& to) {
  const int channels = w.shape.c;
  cpu.pool.parallel_for(w.shape.n, [&](int o) {
    const real* from = w.data + static_cast<std::ptrdiff_t>(o) * kKernelTaps * channels;
    for (int column = 0; column < planes.count() * channels; column += kLanes) {
      const int plane = planes.begin + column / channels, c = column % channels;
      taps_to_points<S>(
          plane, [&](int tap) { return load(from + tap * channels + c); },
          to.data + static_cast<std::ptrdiff_t>(column) * to.depth + o * kLanes, to.point);
    }
  });
}

// Columns are some small channels, the depth runs over (plane, big channel).
template <class S>
void weights_to_panels_down(Cpu& cpu, ConstView w, Span small_channels, const Panels& to) {
  const int channels = w.shape.c, squares = channels / kLanes;
  cpu.pool.parallel_for(small_channels.count() / kLanes * squares, [&](int task) {
    const int panel = task / squares, o = small_channels.begin + panel * kLanes, c = task % squares * kLanes;
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(kKernelTaps) * channels;
    alignas(64) real turned[kKernelTaps][kLanes][kLanes];  // small channels in the lanes
    for (int tap = 0; tap < kKernelTaps; ++tap)
      transpose_square(w.data + o * row + tap * channels + c, row, turned[tap][0]);
    for (int plane = 0; plane < S::kPlanes; ++plane)
      for (int i = 0; i < kLanes; ++i)
        taps_to_points<S>(
            plane, [&](int tap) { return load(turned[tap][i]); },
            to.data + (static_cast<std::ptrdiff_t>(panel) * to.depth + plane * channels + c + i) * kLanes, to.point);
  });
}

// Rows are small channels, columns (plane, big channel).
template <class S, class Sums>
void points_to_weights(Cpu& cpu, const Sums& from, Span planes, View w) {
  const int channels = w.shape.c;
  cpu.pool.parallel_for(w.shape.n, [&](int o) {
    real* to = w.data + static_cast<std::ptrdiff_t>(o) * kKernelTaps * channels;
    for (int column = 0; column < planes.count() * channels; column += kLanes) {
      const int plane = planes.begin + column / channels, c = column % channels;
      Vector in[S::kAllPoints], out[S::kPlaneTaps];
      load_points(from.data + from.offset(o, column), from.point, in);
      map_square<S::kGt>(in, out);
      SNAG_UNROLL(16)
      for (int i = 0; i < S::kPlaneTaps; ++i) store(out[i], to + plane_tap<S>(plane, i) * channels + c);
    }
  });
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
