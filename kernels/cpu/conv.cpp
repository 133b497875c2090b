#include "kernels/conv.h"

#include <algorithm>

#include "kernels/cpu/targets.h"
#include "kernels/cpu/window.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/conv.cpp"
#include <hwy/foreach_target.h>

#include "kernels/cpu/image_down-inl.h"
#include "kernels/cpu/image_up-inl.h"
#include "kernels/cpu/pack-inl.h"
#include "kernels/cpu/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {
namespace {

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

// `lanes` columns to a Column; `b` holds for each what `stride` elements say.
void plan_columns(Scratch& scratch, const WindowProblem& p, const real* b, int lanes, Part& part) {
  const int per_group = (p.out_channels + lanes - 1) / lanes;
  Column* columns = scratch.take<Column>(static_cast<std::size_t>(p.groups() * per_group));
  part.columns = columns;
  for (int gy = part.y.first_group; gy < part.y.end_group; ++gy)
    for (int gx = part.x.first_group; gx < part.x.end_group; ++gx)
      for (int v = 0; v < per_group; ++v) {
        const std::ptrdiff_t index = (gy * p.x.groups + gx) * per_group + v;
        columns[part.column_count++] = {b + index * p.window() * lanes,
                                        (static_cast<std::ptrdiff_t>(gy) * p.x.out + gx) * p.out_channels + v * lanes,
                                        std::min(lanes, p.out_channels - v * lanes), gy, gx};
      }
}

// out = windows * b, where b is in panels of kLanes columns, or, `along` the rows, one column after the other.
void product(Cpu& cpu, Scratch& scratch, const WindowProblem& p, const real* b, bool along) {
  // For so few images the parts of a map would be too small to fill tiles. Zeros from outside the image change no sum,
  // but along the rows they would move the terms to other lanes: another order, and an image's score must not depend
  // on its batch.
  const bool whole = p.images < 3 && !p.pointwise && !along;
  const Stretches ys = stretches(scratch, p.y, whole || p.pointwise),
                  xs = stretches(scratch, p.x, whole || p.pointwise);
  const int part_count = ys.count * xs.count, threads = cpu.pool.threads();

  // Enough tasks for all threads, but not more rows to a task than stay in L2.
  const int blocks = std::max(1, (p.window() + kDepth - 1) / kDepth);
  const int fit = std::max(kTall, (1 << 17) / (blocks * kRowStride) / kTall * kTall);
  const int share = (p.rows() / (4 * threads) + kTall) / kTall * kTall;
  const int capacity = std::min({fit, share, 8 * kTall});

  Part* parts = scratch.take<Part>(static_cast<std::size_t>(part_count));
  int row_tasks = 0;
  for (int i = 0; i < part_count; ++i) {
    parts[i] = {.y = ys.data[i / xs.count],
                .x = xs.data[i % xs.count],
                .whole = whole,
                .runs = nullptr,
                .first_run = nullptr,
                .blocks = 0,
                .columns = nullptr,
                .column_count = 0};
    plan_runs(scratch, p, parts[i]);
    plan_columns(scratch, p, b, along ? 1 : kLanes, parts[i]);
    row_tasks += (p.images * (parts[i].y.end - parts[i].y.begin) * (parts[i].x.end - parts[i].x.begin) + capacity - 1) /
                 capacity;
  }
  const int splits = row_tasks >= 2 * threads ? 1 : (2 * threads + row_tasks - 1) / std::max(1, row_tasks);
  Task* tasks = scratch.take<Task>(static_cast<std::size_t>(row_tasks * splits));
  int task_count = 0;
  for (int i = 0; i < part_count; ++i) {
    const Part& part = parts[i];
    const int rows = p.images * (part.y.end - part.y.begin) * (part.x.end - part.x.begin);
    const int unit = along ? 4 : 2, step = ((part.column_count + splits - 1) / splits + unit - 1) / unit * unit;
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
        .out_y = scratch.take<int>(static_cast<std::size_t>(capacity)),
        .out_x = scratch.take<int>(static_cast<std::size_t>(capacity)),
        .spill = scratch.take<real>(static_cast<std::size_t>(kTall) * kLanes)};
  cpu.pool.parallel_for(task_count, [&](int i, int thread) {
    const Rows& own = rows[thread];
    gather(p, tasks[i].part->y, tasks[i].part->x, tasks[i].first, tasks[i].count,
           {own.a, kDepth, kRowStride, static_cast<std::ptrdiff_t>(capacity) * kRowStride});
    locate(p, tasks[i], own);
    if (along)
      dot(p, tasks[i], rows[thread]);
    else
      multiply(p, tasks[i], rows[thread]);
  });
}

void conv_down(Cpu& cpu, const ConvDown& k) {
  Scratch scratch(cpu.memory);
  if (is_image(k.big.shape, k.g)) return image_down(cpu, scratch, k);
  const WindowProblem p = window_problem(k);
  // w is [o][r][t][c]: each column already lies along the rows. The number of images has no say: it would decide the
  // order of the sum, and an image's score must not depend on its batch.
  const bool along = p.out_channels * 2 <= kLanes;
  product(cpu, scratch, p, along ? k.w.data : pack_down(cpu, scratch, p, k.w.data), along);
}

void conv_up(Cpu& cpu, const ConvUp& k) {
  Scratch scratch(cpu.memory);
  if (k.big.shape.c * 2 <= kLanes && k.g.kernel > 1) return image_up(cpu, scratch, k);
  const WindowProblem p = window_problem(k);
  product(cpu, scratch, p, pack_up(cpu, scratch, p, k, kLanes), false);
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
