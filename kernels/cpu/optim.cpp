#include "kernels/optim.h"

#include <algorithm>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/targets.h"
#include "kernels/cpu/update.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/optim.cpp"
#include <hwy/foreach_target.h>

#include "kernels/cpu/adam-inl.h"
#include "kernels/cpu/direct_weight-inl.h"
#include "kernels/cpu/weight_way-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {
namespace {

constexpr int kShare = 1 << 14;  // elements of a task

// All elements but those whose gradient has no memory.
void adam(Cpu& cpu, const Adam& k) {
  const Adam::Scales scales = k.scales();
  const int size = k.size();
  cpu.pool.parallel_for((size + kShare - 1) / kShare, [&](int task) {
    const int begin = task * kShare, end = std::min(size, begin + kShare);
    for (int j = 0; j < k.g.count; ++j) {
      const int from = std::max(begin, k.g.begin[j]), to = std::min(end, k.g.begin[j + 1]);
      if (from >= to || !k.g.data[j]) continue;
      const int at = from - k.g.begin[j];
      adam_range(k, scales, k.g.data[j] + at, k.g.more[j] ? k.g.more[j] + at : nullptr, from, to);
    }
    for (int i = std::max(begin, k.trained()); i < end; ++i) k.update(i, scales);
  });
}

bool computed_in_lines(const ConvWeight& k) {
  return weight_way(k) == WeightWay::direct && k.small.shape.n <= WeightTasks::most_images(k.small.shape);
}

// A task's lines of both products stay in L2 until Adam has read them.
void update_by_products(Cpu& cpu, const Update& u) {
  Scratch scratch(cpu.memory);
  const Adam& k = u.adam;
  const Adam::Scales scales = k.scales();
  const WeightTasks first(u.product[0], 0, u.product[0].small.shape.n);
  const WeightTasks second = u.has(1) ? WeightTasks(u.product[1], 0, u.product[1].small.shape.n) : first;
  const auto threads = static_cast<std::size_t>(cpu.pool.threads());
  const std::size_t packed = std::max(first.packed(), second.packed());
  const std::ptrdiff_t line = first.line(), size = WeightTasks::kWeightChannels * line;
  real* const room = scratch.take<real>(threads * packed);
  real* const lines = scratch.take<real>(threads * static_cast<std::size_t>(2 * size));
  cpu.pool.parallel_for(first.count(), [&](int task, int thread) {
    real* const own_room = room + static_cast<std::size_t>(thread) * packed;
    real* const own = lines + thread * 2 * size;
    first.run(task, true, own_room, own, line);
    if (u.has(1)) second.run(task, true, own_room, own + size, line);
    for (int i = 0; i < first.channels(task); ++i) {
      const auto begin = static_cast<int>(first.begin(task) + i * first.row());
      const real* const d = own + i * line;
      adam_range(k, scales, d, u.has(1) ? d + size : nullptr, begin, begin + static_cast<int>(line));
    }
  });
}

void update(Cpu& cpu, const Update& u) {
  if (u.has(0))
    update_by_products(cpu, u);
  else
    adam(cpu, u.adam);
}

}  // namespace
}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace snag {
HWY_EXPORT(adam);
HWY_EXPORT(update);
HWY_EXPORT(computed_in_lines);
void launch(Cpu& cpu, const Adam& k) { HWY_DYNAMIC_DISPATCH(adam)(cpu, k); }
void launch(Cpu& cpu, const Update& u) { HWY_DYNAMIC_DISPATCH(update)(cpu, u); }
bool computed_in_lines(const ConvWeight& k) { return HWY_DYNAMIC_DISPATCH(computed_in_lines)(k); }
}  // namespace snag
#endif
