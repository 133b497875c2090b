// The windows of window.h, gathered into rows, times a matrix. Three inner loops: `multiply` broadcasts elements of a
// row against vectors of packed columns; `sweep` does so for few rows and the matrix as it lies, line by line; `dot`
// runs along the rows. Each output element is one sum in one order, whatever the partition.
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
constexpr int kPackedTogether = 16;              // panels that one task packs at a time, at most
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
  int panel;  // which one b is
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
  real** out;    // the first group's pixel of row i; may lie outside, as not all groups are written
  real* spill;   // kTall vectors, for what does not go straight to the output
  real* panels;  // kPackedTogether panels of one block, if the task packs them
  real* sums;    // dot: kWide vectors for each row
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

// The same where no other task uses these columns: each block of them is packed just before use, so that the weights
// are read once and their panels never leave L2. pack(panel, count, begin, end, to) writes elements begin .. end of the
// depth of some panels to to[panel][kDepth][kLanes].
template <class Pack>
void multiply_packing(const WindowProblem& p, const Task& task, const Rows& rows, const Pack& pack) {
  Column columns[kPackedTogether];
  for (int first = task.begin; first < task.end; first += Pack::kTogether) {
    const int count = std::min(Pack::kTogether, task.end - first);
    for (int v = 0; v < count; ++v) {
      columns[v] = task.part->columns[first + v];
      columns[v].b = rows.panels + static_cast<std::ptrdiff_t>(v) * kDepth * kLanes;
    }
    for (int block = 0; block < task.part->blocks; ++block) {
      pack(columns[0].panel, count, block * kDepth, std::min(p.window(), (block + 1) * kDepth), rows.panels);
      multiply_columns(task, rows, block, columns, count);
    }
  }
}

// ---- few rows times a matrix as it lies

// Lines of the matrix that a pass over the columns takes at once, and rows that it serves.
constexpr int kLines = 4, kSwept = kManyRegisters ? 4 : 2;
constexpr int kSweptRows = 32;  // of a task: with more the outputs would no longer stay in L1

// out[i][c] += sum over j < lines of a[row[i] + j] * b[j * stride + c], for H rows and vectors of columns
template <int H>
HWY_INLINE void sweep_lines(const real* HWY_RESTRICT a, const int* row, int lines, const real* HWY_RESTRICT b,
                            std::ptrdiff_t stride, int vectors, real* const* out) {
  if (lines < kLines) {
    for (int v = 0; v < vectors; ++v)
      for (int i = 0; i < H; ++i) {
        Vector sum = load(out[i] + v * kLanes);
        for (int j = 0; j < lines; ++j) sum = hn::MulAdd(set(a[row[i] + j]), load(b + j * stride + v * kLanes), sum);
        store(sum, out[i] + v * kLanes);
      }
    return;
  }
  Vector x[H][kLines];
#pragma GCC unroll 4
  for (int i = 0; i < H; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kLines; ++j) x[i][j] = set(a[row[i] + j]);
  for (int v = 0; v < vectors; ++v) {
    Vector line[kLines];
#pragma GCC unroll 4
    for (int j = 0; j < kLines; ++j) {
      const real* from = b + j * stride + v * kLanes;
      line[j] = load(from);
      __builtin_prefetch(from + kLines * stride);  // the lines to come: too far apart for the processor to see
    }
#pragma GCC unroll 4
    for (int i = 0; i < H; ++i) {
      real* to = out[i] + v * kLanes;
      Vector sum = load(to);
#pragma GCC unroll 4
      for (int j = 0; j < kLines; ++j) sum = hn::MulAdd(x[i][j], line[j], sum);
      store(sum, to);
    }
  }
}

// All rows of a task times its columns. The columns of a group lie side by side; line(group, place) is what element 0
// of a place of the window meets there, that of element o lies `stride` further, o times. Each line is read once, by
// the rows that see the place.
template <class Line>
void sweep(const WindowProblem& p, const Task& task, const Rows& rows, std::ptrdiff_t stride, const Line& line) {
  const Part& part = *task.part;
  const int per_group = p.out_channels / kLanes;
  int y[kSweptRows], x[kSweptRows];
  for_each_line(part.y, part.x, task.first, task.count, [&](int i, int, int py, int px, int run) {
    for (int j = 0; j < run; ++j) y[i + j] = py * p.y.step + p.y.origin, x[i + j] = (px + j) * p.x.step + p.x.origin;
  });
  for (int column = task.begin; column < task.end;) {
    const Column& leftmost = part.columns[column];
    const int vectors = std::min(task.end - column, per_group - leftmost.panel % per_group);
    for (int i = 0; i < task.count; ++i) std::fill_n(rows.out[i] + leftmost.offset, vectors * kLanes, real(0));
    for (int place = 0; place < p.y.window * p.x.window; ++place) {
      int row[kSweptRows], seen = 0;  // rows whose window has a pixel there
      real* out[kSweptRows];
      for (int i = 0; i < task.count; ++i) {
        const int py = y[i] + place / p.x.window, px = x[i] + place % p.x.window;
        if (py < 0 || py >= p.y.in || px < 0 || px >= p.x.in) continue;
        row[seen] = i * kRowStride;
        out[seen++] = rows.out[i] + leftmost.offset;
      }
      const real* b = line(leftmost.panel / per_group, place) + leftmost.panel % per_group * kLanes;
      for (int o = 0; o < p.in_channels;) {
        const int at = place * p.in_channels + o, block = at / kDepth,
                  lines = std::min({kLines, p.in_channels - o, (block + 1) * kDepth - at});
        const real* a = rows.a + static_cast<std::ptrdiff_t>(block) * rows.capacity * kRowStride + at % kDepth;
        int i = 0;
        for (; i + kSwept <= seen; i += kSwept) sweep_lines<kSwept>(a, row + i, lines, b, stride, vectors, out + i);
        for (; i < seen; ++i) sweep_lines<1>(a, row + i, lines, b, stride, vectors, out + i);
        o += lines;
        b += lines * stride;
      }
    }
    column += vectors;
  }
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
