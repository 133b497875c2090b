// Adam over a range of its list.
#if defined(SNAG_ADAM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_ADAM_INL_H
#undef SNAG_ADAM_INL_H
#else
#define SNAG_ADAM_INL_H
#endif

#include "kernels/cpu/simd-inl.h"
#include "kernels/optim.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

// Elements begin .. end, whose gradients follow each other from g on; those from `more` on, if any, are added to them.
template <bool Averaged>
void adam_range(const Adam& k, Adam::Scales s, const real* g, const real* more, int begin, int end) {
  const real b1 = static_cast<real>(k.beta1), b2 = static_cast<real>(k.beta2);
  const Vector beta1 = set(b1), rest1 = set(1 - b1), beta2 = set(b2), rest2 = set(1 - b2), decay = set(s.decay),
               rate = set(s.rate), root = set(s.root_correction), eps = set(static_cast<real>(k.eps)),
               keep = set(s.keep), take = set(1 - s.keep);
  constexpr int kAhead = 256;  // elements: with four or five streams the processor looks ahead too little
  int i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    for (const View& x : {k.m, k.v, k.w}) __builtin_prefetch(x.data + i + kAhead, 1);
    if constexpr (Averaged) __builtin_prefetch(k.average.data + i + kAhead, 1);
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

inline void adam_range(const Adam& k, Adam::Scales s, const real* g, const real* more, int begin, int end) {
  if (k.average.data)
    adam_range<true>(k, s, g, more, begin, end);
  else
    adam_range<false>(k, s, g, more, begin, end);
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
