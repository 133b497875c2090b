#pragma once
// Operations of a warp: the lanes that a mask names come together, and each sees the values that all of them brought.
#include <cstddef>
#include <type_traits>

#include "kernels/simt/simt.h"

namespace snag::simt {

// Lanes that meet must be in the same operation. Of these only `sync` orders accesses to memory, as in CUDA.
enum class Operation : unsigned char {
  sync,
  ballot,
  shuffle,
  shuffle_xor,
  shuffle_up,
  shuffle_down,
  mma_tf32,
  mma_bf16,
  ldmatrix
};

inline constexpr std::size_t kMaxExchange = 40;  // bytes per lane

unsigned lane();
unsigned active_mask();
// What the lanes brought, valid until the next operation; values of lanes that did not come mean nothing.
template <class T>
struct Exchange {
  const T* values;
  unsigned lanes;  // that came
};
// `combine`, if any, is called once all have come, and may change the 32 values.
using Combine = void (*)(void* values);
Exchange<void> exchange_bytes(unsigned mask, const void* value, std::size_t bytes, Operation, const Where&,
                              Combine combine = nullptr);
template <class T>
Exchange<T> exchange(unsigned mask, const T& value, Operation operation, const Where& where) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= kMaxExchange);
  const Exchange<void> e = exchange_bytes(mask, &value, sizeof(T), operation, where);
  return {static_cast<const T*>(e.values), e.lanes};
}
// For operations of a whole warp: reports lanes that did not come.
template <class T>
const T* exchange_all(const T& value, Operation operation, const Where& where, Combine combine = nullptr) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= kMaxExchange);
  const Exchange<void> e = exchange_bytes(0xffffffffu, &value, sizeof(T), operation, where, combine);
  if (e.lanes != 0xffffffffu) report("an operation of the whole warp, without some of its lanes", where);
  return static_cast<const T*>(e.values);
}

}  // namespace snag::simt
