#pragma once
// CUDA's atomic functions, on integers: floating-point ones would make results depend on the order of threads. They are
// relaxed, so they order no other access.
#include <atomic>
#include <concepts>
#include <type_traits>

namespace snag::simt {

// Replaces *p by f(*p); returns what was there.
template <std::integral T, class F>
T atomic_update(T* p, F f) {
  const std::atomic_ref<T> cell(*p);
  T old = cell.load(std::memory_order_relaxed);
  while (!cell.compare_exchange_weak(old, f(old), std::memory_order_relaxed)) {
  }
  return old;
}

}  // namespace snag::simt

template <std::integral T>
T atomicAdd(T* p, std::type_identity_t<T> x) {
  return std::atomic_ref<T>(*p).fetch_add(x, std::memory_order_relaxed);
}
template <std::integral T>
T atomicSub(T* p, std::type_identity_t<T> x) {
  return std::atomic_ref<T>(*p).fetch_sub(x, std::memory_order_relaxed);
}
template <std::integral T>
T atomicOr(T* p, std::type_identity_t<T> x) {
  return std::atomic_ref<T>(*p).fetch_or(x, std::memory_order_relaxed);
}
template <std::integral T>
T atomicAnd(T* p, std::type_identity_t<T> x) {
  return std::atomic_ref<T>(*p).fetch_and(x, std::memory_order_relaxed);
}
template <std::integral T>
T atomicExch(T* p, std::type_identity_t<T> x) {
  return std::atomic_ref<T>(*p).exchange(x, std::memory_order_relaxed);
}
template <std::integral T>
T atomicCAS(T* p, std::type_identity_t<T> expected, std::type_identity_t<T> x) {
  std::atomic_ref<T>(*p).compare_exchange_strong(expected, x, std::memory_order_relaxed);
  return expected;
}
template <std::integral T>
T atomicMax(T* p, std::type_identity_t<T> x) {
  return snag::simt::atomic_update(p, [x](T old) { return old < x ? x : old; });
}
template <std::integral T>
T atomicMin(T* p, std::type_identity_t<T> x) {
  return snag::simt::atomic_update(p, [x](T old) { return x < old ? x : old; });
}
inline unsigned atomicInc(unsigned* p, unsigned last) {
  return snag::simt::atomic_update(p, [last](unsigned old) { return old >= last ? 0u : old + 1; });
}
