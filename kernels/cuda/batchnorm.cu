#include "kernels/cuda/batchnorm.cuh"

#include "kernels/cuda/map_parts.cuh"
#include "kernels/cuda/norm_at_once.cuh"
#include "kernels/cuda/norm_at_once.h"
#include "kernels/cuda/portable.cuh"

namespace snag {
namespace {

using ForwardAtOnce = NormAtOnce<ForwardNorm>;
using BackwardAtOnce = NormAtOnce<BackwardNorm>;

// `from`: what is summed.
template <class Work>
void run_at_once(Cuda& cuda, Work work, const Parts& from, View whole, std::vector<Operand> operands = {}) {
  const auto& k = work.norm.sums.k;
  const int fours = k.x.shape.c / 4, pixels = k.x.shape.pixels() / k.groups();
  work.from = from;
  work.whole = whole;
  work.teams = k.groups() % 2 == 0 && pixels <= kPartsPixels / 2 ? 2 : 1;
  work.width = Work::widest;
  while (work.width > 1 && (pixels > Work::threads / work.teams / work.width || fours % work.width != 0))
    work.width /= 2;
  work.grid = {fours / work.width};
  run(cuda, work, {.shared = Work::shared}, std::source_location::current(), std::move(operands));
}

Parts parts_of(ConstView whole) { return {.data = whole.data}; }

// Instead of the work that adds the parts of `summed`, if that was the last.
template <class Work>
bool replace_adding(Cuda& cuda, const Work& work, ConstView summed) {
  const std::optional<AddParts> adding = take_back_adding(cuda, summed);
  if (adding) run_at_once(cuda, work, adding->from, adding->y, {reads(adding->from), writes(adding->y)});
  return adding.has_value();
}

// Lets the work that takes the sums map, too; where no step is recorded, takes them again.
template <class Work>
bool map_at_once(Cuda& cuda, const Work& work, ConstView summed) {
  if (!cuda.recorded) {
    run_at_once(cuda, work, parts_of(summed), {});
    return true;
  }
  Prepared& last = cuda.recorded->back();
  if (last.program != &kProgram<Work>) return false;
  reinterpret_cast<Work*>(last.work.data())->norm.map = work.norm.map;
  return true;
}

// As many blocks as run at once.
template <class K>
void launch_map(Cuda& cuda, const K& k) {
  const Shape s = k.x.shape;
  if (s.size() == 0) return;
  const int width = lanes_for(s.c / 4), tiles = ceil_div(s.c / 4, width);
  const int groups = k.groups(), shares = std::min(ceil_div(s.pixels() / groups, kMapBlock / width),
                                                   ceil_div(8 * cuda.multiprocessors, tiles * groups));
  run(cuda, ChannelMap<K>{.kernel = k, .width = width, .grid = {tiles, shares, groups}});
}

}  // namespace

bool fits_at_once(ConstView summed, int groups) {
  const Shape s = summed.shape;
  return s.size() > 0 && s.c % 4 == 0 && s.pixels() / groups <= kPartsPixels && aligned(summed.data);
}

bool norm_of_parts(Cuda& cuda, const BatchNormStats& k) {
  return replace_adding(cuda, ForwardAtOnce{.norm = {.sums = {k}}}, k.x);
}
bool norm_of_parts(Cuda& cuda, const BatchNormGradSums& k) {
  return replace_adding(cuda, BackwardAtOnce{.norm = {.sums = {k}}}, k.dy);
}

void launch(Cuda& cuda, const BatchNormStats& k) {
  if (fits_at_once(k.x, k.groups()))
    run_at_once(cuda, ForwardAtOnce{.norm = {.sums = {k}}}, parts_of(k.x), {});
  else
    launch_reduce(cuda, NormStats{k}, per_channel(k.x.shape, k.groups()));
}

void launch(Cuda& cuda, const BatchNormGradSums& k) {
  if (fits_at_once(k.dy, k.groups()))
    run_at_once(cuda, BackwardAtOnce{.norm = {.sums = {k}}}, parts_of(k.dy), {});
  else
    launch_reduce(cuda, NormGradSums{k}, per_channel(k.x.shape, k.groups()));
}

bool launch_after(Cuda& cuda, const BatchNormStats& sums, const BatchNorm& k) {
  if (!fits_at_once(sums.x, sums.groups()) || !aligned(k.y.data)) return false;
  if (sums.x.data != k.x.data || sums.mean.data != k.mean.data || sums.groups() != k.groups()) return false;
  return map_at_once(cuda, ForwardAtOnce{.norm = {.sums = {sums}, .map = k}}, k.x);
}

bool launch_after(Cuda& cuda, const BatchNormGradSums& sums, const BatchNormGrad& k) {
  if (!fits_at_once(sums.dy, sums.groups()) || !aligned(k.x.data, k.dx.data) || k.fixed) return false;
  if (sums.dy.data != k.dy.data || sums.sum_dz.data != k.sum_dz.data || sums.groups() != k.groups()) return false;
  return map_at_once(cuda, BackwardAtOnce{.norm = {.sums = {sums}, .map = k}}, k.dy);
}

void launch(Cuda& cuda, const BatchNorm& k) {
  if (k.x.shape.c % 4 != 0 || !aligned(k.x.data, k.y.data))
    launch_portable(cuda, k);
  else if (!launch_map_of_parts(cuda, k))
    launch_map(cuda, k);
}

void launch(Cuda& cuda, const BatchNormGrad& k) {
  if (k.x.shape.c % 4 != 0 || !aligned(k.x.data, k.dy.data, k.dx.data))
    launch_portable(cuda, k);
  else if (!launch_map_of_parts(cuda, k))
    launch_map(cuda, k);
}

}  // namespace snag
