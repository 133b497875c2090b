// The windows of window.h, gathered into rows, times a matrix. Two inner loops: `multiply` broadcasts elements of a row
// against vectors of packed columns; `dot` runs along the rows. Each output element is one sum in one order, whatever
// the partition.
#if defined(SNAG_PRODUCT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_PRODUCT_INL_H
#undef SNAG_PRODUCT_INL_H
#else
#define SNAG_PRODUCT_INL_H
#endif

#include <algorithm>
#include <cstddef>

#include "kernels/cpu/gather-inl.h"
#include "kernels/cpu/window.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

constexpr int kDepth = 256;                      // elements of a row per block: a panel of the matrix then stays in L1
constexpr int kRowStride = kDepth + 16;          // not a power of two: rows would share cache sets
constexpr int kTall = kManyRegisters ? 16 : 12;  // accumulators of a tile

// A run of consecutive elements of the rows; in the matrix they begin at row `at`.
struct Run {
  int at, length;
};

// Up to kLanes columns (1 for dot) that lie side by side in one output pixel.
struct Column {
  const real* b;          // multiply: panel [window][kLanes]; dot: [window]
  std::ptrdiff_t offset;  // from the first group's pixel
  int lanes;
};

// The rows of one pair of stretches, and all columns that they give.
struct Part {
  Stretch y, x;
  const Run* runs;
  const int* first_run;  // of block b: first_run[b] .. first_run[b + 1]
  int blocks;
  const Column* columns;
  int column_count;
};

// Rows first .. first + count of a part, times columns begin .. end.
struct Task {
  const Part* part;
  int first, count, begin, end;
};

// What one thread needs for one task.
struct Rows {
  real* a;  // block b of row i: a + (b * capacity + i) * kRowStride
  int capacity;
  real** out;   // the first group's pixel of row i; may lie outside, as not all groups are written
  real* spill;  // kTall vectors, for what does not go straight to the output
  real* sums;   // dot: kWide vectors for each row
};

// Where the rows of a task go.
inline void locate(const WindowProblem& p, const Task& task, const Rows& rows) {
  for_each_line(task.part->y, task.part->x, task.first, task.count, [&](int i, int n, int py, int px, int run) {
    const int y = py * p.y.out_step + p.y.out_origin, x = px * p.x.out_step + p.x.out_origin;
    real* out = p.out + (static_cast<std::ptrdiff_t>(n * p.y.out + y) * p.x.out + x) * p.out_channels;
    const int step = p.x.out_step * p.out_channels;
    for (int j = 0; j < run; ++j, out += step) rows.out[i + j] = out;
  });
}

// ---- rows times panels

// out[i][v] (+)= sum over k of a[i, k] * b[v][k], for H rows and NV vectors of columns
template <int H, int NV>
HWY_INLINE void multiply_tile(const real* HWY_RESTRICT a, const Run* runs, const Run* end, const real* const* b,
                              bool first, real* const* out) {
  Vector sum[H][NV];
#pragma GCC unroll 16
  for (int i = 0; i < H; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) sum[i][v] = first ? hn::Zero(Tag()) : load(out[i * NV + v]);
  for (; runs != end; ++runs) {
    const real* panel[NV];
    for (int v = 0; v < NV; ++v) panel[v] = b[v] + static_cast<std::ptrdiff_t>(runs->at) * kLanes;
    for (int k = 0; k < runs->length; ++k) {
      Vector bk[NV];
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) bk[v] = load(panel[v] + static_cast<std::ptrdiff_t>(k) * kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < H; ++i) {
        const Vector ai = set(a[i * kRowStride + k]);
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) sum[i][v] = hn::MulAdd(ai, bk[v], sum[i][v]);
      }
    }
    a += runs->length;
  }
#pragma GCC unroll 16
  for (int i = 0; i < H; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) store(sum[i][v], out[i * NV + v]);
}

template <int NV>
constexpr int tile_rows() {
  return kTall / NV;
}

// The lowest tile that holds `rows`; what it has too many reads old rows and writes to the spill.
template <int NV>
HWY_INLINE void multiply_rows(int rows, const real* a, const Run* runs, const Run* end, const real* const* b,
                              bool first, real* const* out) {
  if (rows > 8) return multiply_tile<tile_rows<NV>(), NV>(a, runs, end, b, first, out);
  if (rows > 4) return multiply_tile<std::min(8, tile_rows<NV>()), NV>(a, runs, end, b, first, out);
  if (rows > 2) return multiply_tile<4, NV>(a, runs, end, b, first, out);
  if (rows > 1) return multiply_tile<2, NV>(a, runs, end, b, first, out);
  multiply_tile<1, NV>(a, runs, end, b, first, out);
}

// One tile of one block: finds where its vectors go. A vector with fewer lanes goes by way of the spill.
template <int NV>
HWY_INLINE void multiply_block(const Part& part, const Rows& rows, int block, int i0, int count,
                               const Column* columns) {
  real* out[kTall];
  const real* b[NV];
  if (columns[NV - 1].lanes == kLanes && columns[0].lanes == kLanes) {
    for (int v = 0; v < NV; ++v) {
      b[v] = columns[v].b;
      for (int i = 0; i < count; ++i) out[i * NV + v] = rows.out[i0 + i] + columns[v].offset;
    }
    for (int i = count * NV; i < kTall; ++i) out[i] = rows.spill + i * kLanes;
    return multiply_rows<NV>(count, rows.a + (static_cast<std::ptrdiff_t>(block) * rows.capacity + i0) * kRowStride,
                             part.runs + part.first_run[block], part.runs + part.first_run[block + 1], b, block == 0,
                             out);
  }
  struct {
    real *to, *from;
    int lanes;
  } detour[kTall];
  int detours = 0;
  for (int v = 0; v < NV; ++v) {
    const Column& column = columns[v];
    b[v] = column.b;
    for (int i = 0; i < tile_rows<NV>(); ++i) {
      real* spill = rows.spill + (i * NV + v) * kLanes;
      real*& to = out[i * NV + v];
      to = spill;
      if (i >= count) continue;
      to = rows.out[i0 + i] + column.offset;
      if (column.lanes == kLanes) continue;
      detour[detours++] = {to, spill, column.lanes};
      if (block > 0) copy(spill, to, column.lanes);
      to = spill;
    }
  }
  multiply_rows<NV>(count, rows.a + (static_cast<std::ptrdiff_t>(block) * rows.capacity + i0) * kRowStride,
                    part.runs + part.first_run[block], part.runs + part.first_run[block + 1], b, block == 0, out);
  for (int j = 0; j < detours; ++j) copy(detour[j].to, detour[j].from, detour[j].lanes);
}

// All rows of a task times some columns, in one block of the depth.
inline void multiply_columns(const Task& task, const Rows& rows, int block, const Column* columns, int column_count) {
  const Part& part = *task.part;
  int j = 0;
  for (; j + 2 <= column_count; j += 2)
    for (int i = 0; i < task.count; i += tile_rows<2>())
      multiply_block<2>(part, rows, block, i, std::min(tile_rows<2>(), task.count - i), columns + j);
  if (j < column_count)
    for (int i = 0; i < task.count; i += tile_rows<1>())
      multiply_block<1>(part, rows, block, i, std::min(tile_rows<1>(), task.count - i), columns + j);
}

inline void multiply(const Task& task, const Rows& rows) {
  for (int block = 0; block < task.part->blocks; ++block)
    multiply_columns(task, rows, block, task.part->columns + task.begin, task.end - task.begin);
}

// ---- rows times rows

// Columns of a tile, which stay in L1 for some blocks of the depth while rows pass; its rows; and those blocks.
constexpr int kWide = kManyRegisters ? 6 : 4, kDotRows = kManyRegisters ? 4 : 2, kDotBlocks = 2;

// Blocks first .. last of H rows times W columns, both contiguous along k. Lane l of a sum adds the elements k = l
// modulo kLanes, in order; sums[i][j] keeps it until the last block, where its lanes are added up.
template <int H, int W>
HWY_INLINE void dot_tile(const Part& part, const Rows& rows, int i0, int first, int last, const Column* columns,
                         real* sums, int count) {
  Vector sum[H][W];
#pragma GCC unroll 4
  for (int i = 0; i < H; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < W; ++j) sum[i][j] = first == 0 ? hn::Zero(Tag()) : load(sums + (i * W + j) * kLanes);
  for (int block = first; block < last; ++block) {
    const real* a = rows.a + (static_cast<std::ptrdiff_t>(block) * rows.capacity + i0) * kRowStride;
    for (int run = part.first_run[block]; run < part.first_run[block + 1]; ++run) {
      const int at = part.runs[run].at, length = part.runs[run].length;
      int k = 0;
      for (; k + kLanes <= length; k += kLanes) {
        Vector b[W];
#pragma GCC unroll 8
        for (int j = 0; j < W; ++j) b[j] = load(columns[j].b + at + k);
#pragma GCC unroll 4
        for (int i = 0; i < H; ++i) {
          const Vector ai = load(a + i * kRowStride + k);
#pragma GCC unroll 8
          for (int j = 0; j < W; ++j) sum[i][j] = hn::MulAdd(ai, b[j], sum[i][j]);
        }
      }
      if (k < length)
        for (int i = 0; i < H; ++i)
          for (int j = 0; j < W; ++j)
            sum[i][j] = hn::MulAdd(load_part(a + i * kRowStride + k, length - k),
                                   load_part(columns[j].b + at + k, length - k), sum[i][j]);
      a += length;
    }
  }
  if (last < part.blocks) {
#pragma GCC unroll 4
    for (int i = 0; i < H; ++i)
#pragma GCC unroll 8
      for (int j = 0; j < W; ++j) store(sum[i][j], sums + (i * W + j) * kLanes);
    return;
  }
  for (int i = 0; i < count; ++i)
    for (int j = 0; j < W; ++j) rows.out[i0 + i][columns[j].offset] = hn::GetLane(hn::SumOfLanes(Tag(), sum[i][j]));
}

template <int W>
HWY_INLINE void dot_columns(const Task& task, const Rows& rows, const Column* columns) {
  const Part& part = *task.part;
  for (int block = 0; block < part.blocks; block += kDotBlocks) {
    const int last = std::min(part.blocks, block + kDotBlocks);
    for (int i = 0; i < task.count; i += kDotRows) {
      const int count = std::min(kDotRows, task.count - i);
      real* sums = rows.sums + static_cast<std::ptrdiff_t>(i) * W * kLanes;
      if (count > 1)
        dot_tile<kDotRows, W>(part, rows, i, block, last, columns, sums, count);
      else
        dot_tile<1, W>(part, rows, i, block, last, columns, sums, 1);
    }
  }
}

// A few columns at a time, so that the matrix is read once.
inline void dot(const Task& task, const Rows& rows) {
  const Column* column = task.part->columns + task.begin;
  int left = task.end - task.begin;
  for (; left >= kWide; left -= kWide, column += kWide) dot_columns<kWide>(task, rows, column);
  for (; left >= 2; left -= 2, column += 2) dot_columns<2>(task, rows, column);
  if (left) dot_columns<1>(task, rows, column);
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
