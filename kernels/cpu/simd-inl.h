// Vectors of `real` for the instruction set at hand. Included once per target by Highway's foreach_target.h; every
// file that uses it is compiled for AVX2, AVX-512 and the baseline (NEON on ARM), and the machine picks at run time.
#if defined(SNAG_SIMD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_SIMD_INL_H
#undef SNAG_SIMD_INL_H
#else
#define SNAG_SIMD_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstring>

#include "kernels/view.h"

// Unrolls the loop that follows, as "#pragma GCC unroll" does; not under sanitizers, which check each element of an
// array in registers: long unrolled loops would take them minutes to compile.
#ifndef SNAG_UNROLL
#define SNAG_PRAGMA(text) _Pragma(#text)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SNAG_UNROLL(n) SNAG_PRAGMA(GCC unroll 1)
#else
#define SNAG_UNROLL(n) SNAG_PRAGMA(GCC unroll n)
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<real>;
using Vector = hn::Vec<Tag>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(Tag()));
// Vector registers: what a tile of accumulators may fill.
constexpr bool kManyRegisters = HWY_TARGET != HWY_AVX2 && HWY_TARGET != HWY_SCALAR;

HWY_INLINE Vector load(const real* p) { return hn::LoadU(Tag(), p); }
HWY_INLINE void store(Vector v, real* p) { hn::StoreU(v, Tag(), p); }
HWY_INLINE Vector set(real x) { return hn::Set(Tag(), x); }

// `count` < kLanes elements, then zeros; touches no memory behind them.
HWY_INLINE Vector load_part(const real* p, int count) {
  alignas(64) real part[kLanes] = {};
  for (int i = 0; i < count; ++i) part[i] = p[i];
  return hn::Load(Tag(), part);
}

HWY_INLINE void store_part(Vector v, real* p, int count) {
  alignas(64) real part[kLanes];
  hn::Store(v, Tag(), part);
  for (int i = 0; i < count; ++i) p[i] = part[i];
}

// Sizes known at compile time, so that no short copy becomes a call of memmove.
HWY_INLINE void copy(real* HWY_RESTRICT to, const real* HWY_RESTRICT from, int count) {
  for (; count >= kLanes; count -= kLanes, to += kLanes, from += kLanes) store(load(from), to);
  if (kLanes > 8 && count & 8) std::memcpy(to, from, 8 * sizeof(real)), to += 8, from += 8;
  if (kLanes > 4 && count & 4) std::memcpy(to, from, 4 * sizeof(real)), to += 4, from += 4;
  if (kLanes > 2 && count & 2) std::memcpy(to, from, 2 * sizeof(real)), to += 2, from += 2;
  if (kLanes > 1 && count & 1) *to = *from;
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
