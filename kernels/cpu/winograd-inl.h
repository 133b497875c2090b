// The three partial maps of the trilinear form by way of the points of winograd_matrices-inl.h: map two operands to
// the points, multiply there, map the result back.
#if defined(SNAG_WINOGRAD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_WINOGRAD_INL_H
#undef SNAG_WINOGRAD_INL_H
#else
#define SNAG_WINOGRAD_INL_H
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/outer-inl.h"
#include "kernels/cpu/winograd_maps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

// How many weights at the points a tile pays for. A weight gradient's alternative gains less from many images, but
// Adam computes that on its way, and must read this one.
constexpr int kWeightsOfTile = 100'000, kGradientsOfTile = 210'000;

// Whether there are whole tiles and vectors; and so many tiles that they pay for the maps of the weights, of which
// there are more at the points than in the kernel.
template <class S>
bool winograd_pays(Shape big, Shape small, Conv g, int weights_of_tile) {
  constexpr int kLeastTiles = 32;
  const int tiles = small.n * tiles_of_image<S>(small);
  return g.kernel == kWinogradKernel && g.stride == S::kStride && small.h % S::kTile == 0 && small.w % S::kTile == 0 &&
         big.c % kLanes == 0 && small.c % kLanes == 0 && tiles >= kLeastTiles &&
         tiles >= std::int64_t{S::kAllPoints * S::kPlanes} * big.c * small.c / weights_of_tile;
}

// Calls fn(span) for 0 .. size in so few equal turns that a matrix of the weights at the points, of which each takes
// its part, stays in kMostAtPoints. The other operand is mapped anew in each: one per cent of a pass or two.
template <class S, class Fn>
void in_turns(Shape w, int size, int unit, const Fn& fn) {
  constexpr std::int64_t kMostAtPoints = 1 << 24;  // bytes
  const std::int64_t all = std::int64_t{S::kAllPoints * S::kPlanes} * w.n * w.c * static_cast<int>(sizeof(real));
  int turns = 1;
  while (all > kMostAtPoints * turns && size % (2 * turns * unit) == 0) turns *= 2;
  for (int t = 0; t < turns; ++t) fn(Span{size / turns * t, size / turns * (t + 1)});
}

// A product of rows and panels at each point, cut into chunks of images that threads take through all three steps.
// rows_of(images, points) maps an operand to the points, back(points, images) the result from them.
template <class S, class RowsOf, class Back>
void multiply_points(Cpu& cpu, Shape small, const Panels& panels, const RowsOf& rows_of, const Back& back) {
  Scratch scratch(cpu.memory);
  constexpr int kRows = 64;  // of a chunk, at most: a point's rows then stay in L2; as many chunks for each thread
  const int threads = cpu.pool.threads(), tiles = tiles_of_image<S>(small), all_rows = small.n * tiles,
            chunks = (all_rows + kRows * threads - 1) / (kRows * threads) * threads,
            step = (small.n + chunks - 1) / chunks,
            rows = (step * tiles + kTall - 1) / kTall * kTall;  // whole tiles of `multiply`: the last may read on
  const int blocks = (panels.depth + kDepth - 1) / kDepth, vectors = panels.columns / kLanes;
  Run* runs = scratch.take<Run>(static_cast<std::size_t>(blocks));
  int* first_run = scratch.take<int>(static_cast<std::size_t>(blocks) + 1);
  for (int b = 0; b < blocks; ++b) {
    runs[b] = {b * kDepth, std::min(kDepth, panels.depth - b * kDepth)};
    first_run[b] = b;
  }
  first_run[blocks] = blocks;
  struct Own {
    Points from, to;
    real **out, *spill;
  };
  Own* all = scratch.take<Own>(static_cast<std::size_t>(threads));
  for (int t = 0; t < threads; ++t)
    all[t] = {take_points(scratch, S::kAllPoints, rows, panels.depth),
              take_points(scratch, S::kAllPoints, rows, panels.columns),
              scratch.take<real*>(static_cast<std::size_t>(rows)),
              scratch.take<real>(static_cast<std::size_t>(kTall * kLanes))};
  Part* parts = scratch.take<Part>(S::kAllPoints);
  Column* columns = scratch.take<Column>(static_cast<std::size_t>(S::kAllPoints * vectors));
  for (int p = 0; p < S::kAllPoints; ++p) {
    Column* own = columns + p * vectors;
    for (int v = 0; v < vectors; ++v)
      own[v] = {panels.data + p * panels.point + static_cast<std::ptrdiff_t>(v) * kLanes * panels.depth,
                all[0].to.offset(0, v * kLanes), kLanes};
    parts[p] = {{}, {}, runs, first_run, blocks, own, vectors};
  }
  cpu.pool.parallel_for((small.n + step - 1) / step, [&](int chunk, int thread) {
    const Own& own = all[thread];
    const Span images{chunk * step, std::min(small.n, (chunk + 1) * step)};
    rows_of(images, own.from);
    for (int p = 0; p < S::kAllPoints; ++p) {
      for (int i = 0; i < images.count() * tiles; ++i) own.out[i] = own.to.data + p * own.to.point + i * kRowStride;
      multiply({parts + p, 0, images.count() * tiles, 0, vectors}, {.a = own.from.data + p * own.from.point,
                                                                    .capacity = rows,
                                                                    .out = own.out,
                                                                    .spill = own.spill,
                                                                    .sums = nullptr});
    }
    back(own.to, images);
  });
}

template <class S>
void winograd_down(Cpu& cpu, const ConvDown& k) {
  constexpr Span kPlanes{0, S::kPlanes};
  in_turns<S>(k.w.shape, k.small.shape.c, kLanes, [&](Span channels) {
    Scratch scratch(cpu.memory);
    const Panels weights = take_panels(scratch, S::kAllPoints, S::kPlanes * k.big.shape.c, channels.count());
    weights_to_panels_down<S>(cpu, k.w, channels, weights);
    multiply_points<S>(
        cpu, k.small.shape, weights,
        [&](Span images, const Points& to) { big_to_points<S>(k.big, k.g.pad, k.small.shape, images, kPlanes, to); },
        [&](const Points& from, Span images) { points_to_small<S>(from, images, channels, k.small); });
  });
}

template <class S>
void winograd_up(Cpu& cpu, const ConvUp& k) {
  in_turns<S>(k.w.shape, S::kPlanes, 1, [&](Span planes) {
    Scratch scratch(cpu.memory);
    const Panels weights = take_panels(scratch, S::kAllPoints, k.small.shape.c, planes.count() * k.big.shape.c);
    weights_to_panels_up<S>(cpu, k.w, planes, weights);
    multiply_points<S>(
        cpu, k.small.shape, weights, [&](Span images, const Points& to) { small_to_points<S>(k.small, images, to); },
        [&](const Points& from, Span images) {
          points_to_big<S>(from, k.g.pad, k.small.shape, images, planes, k.big);
        });
  });
}

// At each point a matrix of sums, cut into squares of up to kDepth x kDepth, each as outer() leaves the sums of its
// units. One square is a task.
struct PointSums {
  real* data;
  int points, rows, columns;
  std::ptrdiff_t square = std::ptrdiff_t{std::min(kDepth, rows)} * std::min(kDepth, columns);
  std::ptrdiff_t point = squares() * square + kLanes;  // from one point to the next, as in Points

  static int cuts(int size) { return (size + kDepth - 1) / kDepth; }
  int squares() const { return cuts(rows) * cuts(columns); }
  int tasks() const { return points * squares(); }

  struct Task {
    int point, row, column, rows, columns;
    real* sums;
  };
  Task at(int task) const {
    const int p = task / squares(), s = task % squares(), row = s / cuts(columns) * kDepth,
              column = s % cuts(columns) * kDepth;
    return {p,
            row,
            column,
            std::min(kDepth, rows - row),
            std::min(kDepth, columns - column),
            data + p * point + s * square};
  }
  // The unit of a square that holds a row: the next unit's rows begin where these end.
  static Unit unit_of(int row, int square_rows, int square_columns) {
    const int vectors = square_columns / kLanes, tallest = unit_height(square_rows, vectors);
    for (int i = row / tallest * tallest;;) {  // all before are as tall
      const int height = unit_height(square_rows - i, vectors);
      if (row < i + height) return {0, i, height, static_cast<std::ptrdiff_t>(i) * square_columns};
      i += height;
    }
  }
  // Where the vector of a row that begins at a column lies, at the first point.
  std::ptrdiff_t offset(int row, int column) const {
    const int s = row / kDepth * cuts(columns) + column / kDepth, r = row % kDepth, c = column % kDepth,
              square_rows = std::min(kDepth, rows - row + r), square_columns = std::min(kDepth, columns - column + c);
    const Unit unit = unit_of(r, square_rows, square_columns);
    const int pair = c / (2 * kLanes) * 2 * kLanes, width = std::min(2 * kLanes, square_columns - pair);
    return s * square + unit.sums + std::ptrdiff_t{pair} * unit.height + (r - unit.x) * width + c - pair;
  }
};

// Chunks of images one after the other, so that both factors stay in cache and sums have one order.
template <class S>
void winograd_weight(Cpu& cpu, const ConvWeight& k, Span planes) {
  Scratch scratch(cpu.memory);
  const Shape big = k.big.shape, small = k.small.shape;
  constexpr int kRows = 128;
  const int tiles = tiles_of_image<S>(small), step = std::clamp(kRows / tiles, 1, small.n);
  const Points x = take_points(scratch, S::kAllPoints, step * tiles, small.c),
               y = take_points(scratch, S::kAllPoints, step * tiles, planes.count() * big.c);
  PointSums sums{nullptr, S::kAllPoints, x.columns, y.columns};
  sums.data = scratch.take<real>(static_cast<std::size_t>(S::kAllPoints * sums.point));
  const Pair same{0, 0};
  for (int begin = 0; begin < small.n; begin += step) {
    const int end = std::min(small.n, begin + step), rows = (end - begin) * tiles;
    cpu.pool.parallel_for(end - begin, [&](int i) {
      const auto rows_of_image = [&](Points all) {
        all.data += static_cast<std::ptrdiff_t>(i) * tiles * kRowStride;
        return all;
      };
      const Span image{begin + i, begin + i + 1};
      small_to_points<S>(k.small, image, rows_of_image(x));
      big_to_points<S>(k.big, k.g.pad, small, image, planes, rows_of_image(y));
    });
    cpu.pool.parallel_for(sums.tasks(), [&](int i) {
      const PointSums::Task t = sums.at(i);
      const Factors f{x.data + t.point * x.point + x.offset(0, t.row),
                      y.data + t.point * y.point + y.offset(0, t.column),
                      kRowStride,
                      kRowStride,
                      &same,
                      1};
      constexpr int kTogether = 64;  // rows of both factors that stay in L2
      for (int n = 0; n < rows; n += kTogether)
        for (int row = 0; row < t.rows;) {
          const Unit u = PointSums::unit_of(row, t.rows, t.columns);
          outer(f, u, t.columns / kLanes, n, std::min(n + kTogether, rows), begin + n == 0, t.sums);
          row += u.height;
        }
    });
  }
  points_to_weights<S>(cpu, sums, planes, k.dw);
}

template <class S>
void winograd_weight(Cpu& cpu, const ConvWeight& k) {
  in_turns<S>(k.dw.shape, S::kPlanes, 1, [&](Span planes) { winograd_weight<S>(cpu, k, planes); });
}

// Calls fn(Stride2{}) or fn(Stride1{}), whichever pays, and says whether one did.
template <class Fn>
bool by_winograd(Shape big, Shape small, Conv g, int weights_of_tile, const Fn& fn) {
  if (winograd_pays<Stride2>(big, small, g, weights_of_tile)) return fn(Stride2{}), true;
  if (winograd_pays<Stride1>(big, small, g, weights_of_tile)) return fn(Stride1{}), true;
  return false;
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
