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

// A task's lines of both products stay in L2 until Adam has read them. It takes all lines of the window of its small
// channels, if tasks are enough: what Adam goes through is then one stretch of memory, long enough to be foreseen.
void update_by_products(Cpu& cpu, const Update& u) {
  Scratch scratch(cpu.memory);
  const Adam& k = u.adam;
  const Adam::Scales scales = k.scales();
  const WeightTasks first(u.product[0], 0, u.product[0].small.shape.n);
  const WeightTasks second = u.has(1) ? WeightTasks(u.product[1], 0, u.product[1].small.shape.n) : first;
  const int threads = cpu.pool.threads(), all = first.count(),
            together = all / first.kernel >= 2 * threads ? first.kernel : 1;
  const std::size_t packed = std::max(first.packed(), second.packed());
  const std::ptrdiff_t line = first.line(), row = together * line, size = WeightTasks::kWeightChannels * row;
  real* const room = scratch.take<real>(static_cast<std::size_t>(threads) * packed);
  real* const lines = scratch.take<real>(static_cast<std::size_t>(threads * 2 * size));
  cpu.pool.parallel_for(all / together, [&](int i, int thread) {
    real* const own_room = room + static_cast<std::size_t>(thread) * packed;
    real* const own = lines + thread * 2 * size;
    const int task = i * together;
    for (int l = 0; l < together; ++l) {
      first.run(task + l, true, own_room, own + l * line, row);
      if (u.has(1)) second.run(task + l, true, own_room, own + size + l * line, row);
    }
    for (int c = 0; c < first.channels(task); ++c) {
      const auto begin = static_cast<int>(first.begin(task) + c * first.row());
      const real* const d = own + c * row;
      adam_range(k, scales, d, u.has(1) ? d + size : nullptr, begin, begin + static_cast<int>(row));
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
