#include "kernels/cpu/cpu.h"
#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/loops.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <string>

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {
namespace {

// The portable form, compiled for this instruction set: the kernel's own code is taken in and vectorised.
template <class K>
#if HWY_COMPILER_GCC || HWY_COMPILER_CLANG
__attribute__((flatten))
#endif
void loop(const K& kernel, int begin, int end) {
  const K k = kernel;  // a copy that nothing points to: what it holds stays in registers
  for (int i = begin; i < end; ++i) k(i);
}

void portable_range(const Kernel& kernel, int begin, int end) {
  std::visit(
      [&](const auto& k) {
        if constexpr (!Tuned<std::decay_t<decltype(k)>>) loop(k, begin, end);
      },
      kernel);
}

const char* target_name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace
}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace snag {
HWY_EXPORT(portable_range);
HWY_EXPORT(target_name);
std::string instruction_set() { return HWY_DYNAMIC_DISPATCH(target_name)(); }
void run_portable(Cpu& cpu, const Kernel& kernel, int size) {
  constexpr int kShare = 1 << 14;  // elements of a task
  const auto range = HWY_DYNAMIC_DISPATCH(portable_range);
  cpu.pool.parallel_for((size + kShare - 1) / kShare,
                        [&](int task) { range(kernel, task * kShare, std::min(size, (task + 1) * kShare)); });
}
}  // namespace snag
#endif
