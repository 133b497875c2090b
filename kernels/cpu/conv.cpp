#include "kernels/conv.h"

#include <algorithm>

#include "kernels/cpu/targets.h"
#include "kernels/cpu/window.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/conv.cpp"
#include <hwy/foreach_target.h>

#include "kernels/cpu/direct-inl.h"
#include "kernels/cpu/direct_dot-inl.h"
#include "kernels/cpu/fan_up-inl.h"
#include "kernels/cpu/image_down-inl.h"
#include "kernels/cpu/image_up-inl.h"
#include "kernels/cpu/pack-inl.h"
#include "kernels/cpu/product-inl.h"
#include "kernels/cpu/sweep-inl.h"
#include "kernels/cpu/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {
namespace {

// How the matrix lies.
enum class Matrix {
  panels,   // packed, kLanes columns to a panel
  columns,  // as the weights lie: one column after the other, along the rows
};

// Cuts the depth of a part's rows into blocks, and each into runs.
void plan_runs(Scratch& scratch, const WindowProblem& p, Part& part) {
  const int rows = part.y.high - part.y.low, width = (part.x.high - part.x.low) * p.in_channels;
  const int depth = rows * width;
  part.blocks = std::max(1, (depth + kDepth - 1) / kDepth);
  Run* runs = scratch.take<Run>(static_cast<std::size_t>(rows + part.blocks));
  int* first_run = scratch.take<int>(static_cast<std::size_t>(part.blocks) + 1);
  int count = 0;
  for (int block = 0, done = 0; block < part.blocks; ++block) {
    first_run[block] = count;
    for (const int end = std::min(depth, (block + 1) * kDepth); done < end;) {
      const int row = done / width, column = done % width, length = std::min(width - column, end - done);
      const int at = ((part.y.low + row) * p.x.window + part.x.low) * p.in_channels + column;
      if (count > first_run[block] && runs[count - 1].at + runs[count - 1].length == at)
        runs[count - 1].length += length;
      else
        runs[count++] = {at, length};
      done += length;
    }
  }
  first_run[part.blocks] = count;
  part.runs = runs;
  part.first_run = first_run;
}

void plan_columns(Scratch& scratch, const WindowProblem& p, Matrix matrix, const real* b, Part& part) {
  const int lanes = matrix == Matrix::columns ? 1 : kLanes;
  const int per_group = (p.out_channels + lanes - 1) / lanes;
  Column* columns = scratch.take<Column>(static_cast<std::size_t>(p.groups() * per_group));
  part.columns = columns;
  for (int gy = part.y.first_group; gy < part.y.end_group; ++gy)
    for (int gx = part.x.first_group; gx < part.x.end_group; ++gx)
      for (int v = 0; v < per_group; ++v) {
        const int panel = (gy * p.x.groups + gx) * per_group + v;
        columns[part.column_count++] = {b + static_cast<std::ptrdiff_t>(panel) * p.window() * lanes,
                                        (static_cast<std::ptrdiff_t>(gy) * p.x.out + gx) * p.out_channels + v * lanes,
                                        std::min(lanes, p.out_channels - v * lanes)};
      }
}

// out = windows * matrix, task by task; multiply_task(task, rows) multiplies one.
template <class MultiplyTask>
void product(Cpu& cpu, Scratch& scratch, const WindowProblem& p, Matrix matrix, const real* b,
             const MultiplyTask& multiply_task) {
  const bool along = matrix == Matrix::columns;
  const Stretches ys = stretches(scratch, p.y, p.pointwise), xs = stretches(scratch, p.x, p.pointwise);
  const int part_count = ys.count * xs.count, threads = cpu.pool.threads();

  // Enough tasks for all threads, but not more rows to a task than stay in L2. Room for whole tiles.
  const int blocks = std::max(1, (p.window() + kDepth - 1) / kDepth);
  const int fit = std::max(kTall, (1 << 17) / (blocks * kRowStride) / kTall * kTall);
  const int share = (p.rows() / (4 * threads) + kTall) / kTall * kTall;
  const int capacity = std::min({fit, share, 8 * kTall});

  Part* parts = scratch.take<Part>(static_cast<std::size_t>(part_count));
  int row_tasks = 0;
  for (int i = 0; i < part_count; ++i) {
    parts[i] = {.y = ys.data[i / xs.count],
                .x = xs.data[i % xs.count],
                .runs = nullptr,
                .first_run = nullptr,
                .blocks = 0,
                .columns = nullptr,
                .column_count = 0};
    plan_runs(scratch, p, parts[i]);
    plan_columns(scratch, p, matrix, b, parts[i]);
    row_tasks += (p.images * (parts[i].y.end - parts[i].y.begin) * (parts[i].x.end - parts[i].x.begin) + capacity - 1) /
                 capacity;
  }
  const int splits = row_tasks >= 2 * threads ? 1 : (2 * threads + row_tasks - 1) / std::max(1, row_tasks);
  Task* tasks = scratch.take<Task>(static_cast<std::size_t>(row_tasks * splits));
  int task_count = 0;
  for (int i = 0; i < part_count; ++i) {
    const Part& part = parts[i];
    const int rows = p.images * (part.y.end - part.y.begin) * (part.x.end - part.x.begin);
    const int unit = along ? kWide : 2, step = ((part.column_count + splits - 1) / splits + unit - 1) / unit * unit;
    for (int first = 0; first < rows; first += capacity)
      for (int column = 0; column < part.column_count; column += step)
        tasks[task_count++] = {&part, first, std::min(capacity, rows - first), column,
                               std::min(column + step, part.column_count)};
  }

  Rows* rows = scratch.take<Rows>(static_cast<std::size_t>(threads));
  for (int t = 0; t < threads; ++t)
    rows[t] = {
        .a = scratch.take<real>(static_cast<std::size_t>(blocks) * static_cast<std::size_t>(capacity) * kRowStride),
        .capacity = capacity,
        .out = scratch.take<real*>(static_cast<std::size_t>(capacity)),
        .spill = scratch.take<real>(static_cast<std::size_t>(kTall) * kLanes),
        .sums = along ? scratch.take<real>(static_cast<std::size_t>(capacity + kDotRows) * kWide * kLanes) : nullptr};
  cpu.pool.parallel_for(task_count, [&](int i, int thread) {
    const Rows& own = rows[thread];
    gather(p, tasks[i].part->y, tasks[i].part->x, tasks[i].first, tasks[i].count,
           {own.a, kDepth, kRowStride, static_cast<std::ptrdiff_t>(capacity) * kRowStride});
    locate(p, tasks[i], own);
    multiply_task(tasks[i], own);
  });
}

// Whether each output is summed along the rows, its lanes added up last. So it is where columns are few; and on maps of
// up to 2x2, where few pixels share a weight, so that turning all weights costs as much as the product. The number of
// images has no say: it would decide the order of the sum, and an image's score must not depend on its batch.
bool sums_along_rows(const WindowProblem& p) {
  if (p.out_channels * 2 <= kLanes) return true;
  constexpr int kPositions = 4;
  return !p.pointwise && p.in_channels % kLanes == 0 && p.y.positions * p.x.positions <= kPositions;
}

// Few rows times whole vectors of columns.
bool direct_pays(const WindowProblem& p) { return few_rows(p) && p.out_channels % kLanes == 0; }

void conv_down(Cpu& cpu, const ConvDown& k) {
  Scratch scratch(cpu.memory);
  if (is_image(k.big.shape, k.g)) return image_down(cpu, scratch, k);
  const auto winograd = [&](auto scheme) { winograd_down<decltype(scheme)>(cpu, k); };
  if (k.g.any_order && by_winograd(k.big.shape, k.small.shape, k.g, kWeightsOfTile, winograd)) return;
  const WindowProblem p = window_problem(k);
  if (sums_along_rows(p)) {  // w is [o][r][t][c]: each column already lies along the rows
    if (few_rows(p) && !p.pointwise && p.in_channels % kLanes == 0) return direct_dot(cpu, scratch, p, k.w.data);
    return product(cpu, scratch, p, Matrix::columns, k.w.data, [](const Task& t, const Rows& rows) { dot(t, rows); });
  }
  const bool frozen = cpu.frozen.holds(k.w);
  if (direct_pays(p) && !frozen)
    return direct_packing(cpu, scratch, p, [&](int panel, int begin, int end, real* to) {
      pack_down_panel(p, k.w.data, panel, begin, end, to);
    });
  const real* panels = pack_down(cpu, scratch, p, k.w);
  if (frozen && direct_pays(p)) return direct(cpu, scratch, p, panels);
  product(cpu, scratch, p, Matrix::panels, panels, [](const Task& t, const Rows& rows) { multiply(t, rows); });
}

void conv_up(Cpu& cpu, const ConvUp& k) {
  Scratch scratch(cpu.memory);
  if (k.big.shape.c * 2 <= kLanes && k.g.kernel > 1) return image_up(cpu, scratch, k);
  if (k.small.shape.c == 1 && k.big.shape.c % kLanes == 0) return fan_up(cpu, k);
  const auto winograd = [&](auto scheme) { winograd_up<decltype(scheme)>(cpu, k); };
  if (k.g.any_order && by_winograd(k.big.shape, k.small.shape, k.g, kWeightsOfTile, winograd)) return;
  const WindowProblem p = window_problem(k);
  const bool frozen = cpu.frozen.holds(k.w);
  if (sweeps(p, k) && !frozen) return sweep(cpu, scratch, p, k);
  const real* panels = pack_up(cpu, scratch, p, k);
  if (frozen && direct_pays(p)) return direct(cpu, scratch, p, panels);
  product(cpu, scratch, p, Matrix::panels, panels, [](const Task& t, const Rows& rows) { multiply(t, rows); });
}

}  // namespace
}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace snag {
HWY_EXPORT(conv_down);
HWY_EXPORT(conv_up);
void launch(Cpu& cpu, const ConvDown& k) { HWY_DYNAMIC_DISPATCH(conv_down)(cpu, k); }
void launch(Cpu& cpu, const ConvUp& k) { HWY_DYNAMIC_DISPATCH(conv_up)(cpu, k); }
}  // namespace snag
#endif
