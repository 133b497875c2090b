#pragma once
// cp.async on the CPU: a copy takes effect when its thread waits for it, not before. Its destination is overwritten
// with the fill at once, as the hardware may write at any time between: a forgotten wait reads the fill, and a copy
// into memory that others still read is a race. These functions are compiled with the kernel, so that sanitizers see
// them.
#include <cstdint>

#include "kernels/simt/simt.h"

namespace snag::simt {

void queue_copy(void* to, const void* from, unsigned bytes);
void close_copy_group();
// The oldest queued copy that is not in the `keep` newest groups; false: none is left.
bool take_copy(unsigned keep, void*& to, const void*& from, unsigned& bytes);

using AnyWord [[gnu::may_alias]] = std::uint32_t;  // memory whose type the caller knows

inline void cp_async(void* shared, const void* global, bool valid, unsigned bytes, const Where& where) {
  if ((reinterpret_cast<std::uintptr_t>(shared) | (valid ? reinterpret_cast<std::uintptr_t>(global) : 0)) % bytes)
    report("cp_async: an address is not aligned to " + std::to_string(bytes) + " bytes", where);
  auto* to = static_cast<AnyWord*>(shared);
  const auto* from = static_cast<const AnyWord*>(valid ? global : nullptr);
  for (unsigned i = 0; i < bytes / 4; ++i) {
    to[i] = options().fill * 0x01010101u;
    if (from) static_cast<void>(*static_cast<const volatile AnyWord*>(from + i));  // a bad address is reported here
  }
  queue_copy(shared, from, bytes);
}
inline void cp_async_16(void* shared, const void* global, bool valid, const Where& where = Where::current()) {
  cp_async(shared, global, valid, 16, where);
}
inline void cp_async_16_cached(void* shared, const void* global, bool valid, const Where& where = Where::current()) {
  cp_async(shared, global, valid, 16, where);
}
inline void cp_async_4(void* shared, const void* global, bool valid, const Where& where = Where::current()) {
  cp_async(shared, global, valid, 4, where);
}
inline void cp_async_commit() { close_copy_group(); }
template <int N>
void cp_async_wait() {
  void* to = nullptr;
  const void* from = nullptr;
  unsigned bytes = 0;
  while (take_copy(N, to, from, bytes))
    for (unsigned i = 0; i < bytes / 4; ++i)
      static_cast<AnyWord*>(to)[i] = from ? static_cast<const AnyWord*>(from)[i] : 0;
}

}  // namespace snag::simt
