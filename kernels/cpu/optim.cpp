#include "kernels/optim.h"

#include <algorithm>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/optim.cpp"
#include <hwy/foreach_target.h>

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {
namespace {

constexpr int kShare = 1 << 14;  // elements of a task

// Elements begin .. end, whose gradients follow each other from g on; those from `more` on, if any, are added to them.
template <bool Averaged>
void adam_range(const Adam& k, Adam::Scales s, const real* g, const real* more, int begin, int end) {
  const real b1 = static_cast<real>(k.beta1), b2 = static_cast<real>(k.beta2);
  const Vector beta1 = set(b1), rest1 = set(1 - b1), beta2 = set(b2), rest2 = set(1 - b2), decay = set(s.decay),
               rate = set(s.rate), root = set(s.root_correction), eps = set(static_cast<real>(k.eps)),
               keep = set(s.keep), take = set(1 - s.keep);
  int i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    Vector gi = load(g + (i - begin));
    if (more) gi = hn::Add(gi, load(more + (i - begin)));
    const Vector m = hn::MulAdd(beta1, load(k.m.data + i), hn::Mul(rest1, gi));
    const Vector v = hn::MulAdd(beta2, load(k.v.data + i), hn::Mul(hn::Mul(rest2, gi), gi));
    const Vector step = hn::Div(hn::Mul(rate, m), hn::MulAdd(hn::Sqrt(v), root, eps));
    const Vector w = hn::MulSub(load(k.w.data + i), decay, step);
    store(m, k.m.data + i);
    store(v, k.v.data + i);
    store(w, k.w.data + i);
    if constexpr (Averaged) store(hn::MulAdd(keep, load(k.average.data + i), hn::Mul(take, w)), k.average.data + i);
  }
  for (; i < end; ++i) {
    const real gi = more ? g[i - begin] + more[i - begin] : g[i - begin];
    k.update(k.w.data[i], k.m.data[i], k.v.data[i], gi, s);
    if constexpr (Averaged) k.average.data[i] = Adam::averaged(k.average.data[i], k.w.data[i], s);
  }
}

void adam(Cpu& cpu, const Adam& k) {
  const Adam::Scales scales = k.scales();
  const int size = k.size();
  cpu.pool.parallel_for((size + kShare - 1) / kShare, [&](int task) {
    const int begin = task * kShare, end = std::min(size, begin + kShare);
    for (int j = 0; j < k.g.count; ++j) {
      const int from = std::max(begin, k.g.begin[j]), to = std::min(end, k.g.begin[j + 1]);
      if (from >= to) continue;
      const int at = from - k.g.begin[j];
      const real *g = k.g.data[j] + at, *more = k.g.more[j] ? k.g.more[j] + at : nullptr;
      if (k.average.data)
        adam_range<true>(k, scales, g, more, from, to);
      else
        adam_range<false>(k, scales, g, more, from, to);
    }
    for (int i = std::max(begin, k.trained()); i < end; ++i) k.update(i, scales);
  });
}

}  // namespace
}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace snag {
HWY_EXPORT(adam);
void launch(Cpu& cpu, const Adam& k) { HWY_DYNAMIC_DISPATCH(adam)(cpu, k); }
}  // namespace snag
#endif
