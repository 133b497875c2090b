#include <algorithm>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/targets.h"
#include "kernels/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/activation.cpp"
#include <hwy/foreach_target.h>

#include <hwy/contrib/math/math-inl.h>

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {
namespace {

constexpr int kShare = 1 << 13;  // elements of a task

// y[i] = f(x[i]) for i = 0 .. size
template <class F>
void map(Cpu& cpu, const real* x, real* y, int size, const F& f) {
  cpu.pool.parallel_for((size + kShare - 1) / kShare, [&](int task) {
    const int end = std::min(size, (task + 1) * kShare);
    int i = task * kShare;
    for (; i + kLanes <= end; i += kLanes) store(f(load(x + i)), y + i);
    if (i < end) store_part(f(load_part(x + i, end - i)), y + i, end - i);
  });
}

void tanh(Cpu& cpu, const Tanh& k) {
  const Vector range = set(k.range);
  map(cpu, k.x.data, k.y.data, k.size(), [=](Vector x) { return hn::Mul(range, hn::Tanh(Tag(), hn::Div(x, range))); });
}

// With e = exp(-|x|), which cannot overflow: 1 / (1 + e), or e / (1 + e) for x < 0.
void sigmoid(Cpu& cpu, const Sigmoid& k) {
  const Vector one = set(1), zero = hn::Zero(Tag());
  map(cpu, k.x.data, k.y.data, k.size(), [=](Vector x) {
    const Vector e = hn::Exp(Tag(), hn::Neg(hn::Abs(x)));
    return hn::Div(hn::IfThenElse(hn::Lt(x, zero), e, one), hn::Add(one, e));
  });
}

}  // namespace
}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace snag {
HWY_EXPORT(tanh);
HWY_EXPORT(sigmoid);
void launch(Cpu& cpu, const Tanh& k) { HWY_DYNAMIC_DISPATCH(tanh)(cpu, k); }
void launch(Cpu& cpu, const Sigmoid& k) { HWY_DYNAMIC_DISPATCH(sigmoid)(cpu, k); }
}  // namespace snag
#endif
