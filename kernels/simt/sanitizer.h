#pragma once
// What the sanitizers must be told about fibers. The build says with SIMT_ASAN or SIMT_TSAN which one the kernels are
// compiled for; simt itself never is, so that its own bookkeeping is neither slowed down nor mistaken for a kernel's.
#include <cstddef>
#ifdef SIMT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef SIMT_TSAN
#include <sanitizer/tsan_interface.h>
extern "C" {
void AnnotateIgnoreReadsBegin(const char*, int);
void AnnotateIgnoreReadsEnd(const char*, int);
void AnnotateIgnoreWritesBegin(const char*, int);
void AnnotateIgnoreWritesEnd(const char*, int);
}
#endif

namespace snag::simt {
// Under a sanitizer the addresses below belong to its shadow memory, all of them mapped, so that two small integers side
// by side would look like an address; nothing of the program lies there.
#if defined(SIMT_ASAN) || defined(SIMT_TSAN)
inline constexpr unsigned long long kLowestAddress = 0x1000'8000'0000;
#else
inline constexpr unsigned long long kLowestAddress = 1u << 16;
#endif
}  // namespace snag::simt

namespace snag::simt::asan {
#ifdef SIMT_ASAN
// Around a switch of stacks: leave() before, with the stack that is switched to; enter() after, on that stack.
inline void leave(void** fake_stack, const void* bottom, std::size_t size) {
  __sanitizer_start_switch_fiber(fake_stack, bottom, size);
}
inline void enter(void* fake_stack, const void** old_bottom, std::size_t* old_size) {
  __sanitizer_finish_switch_fiber(fake_stack, old_bottom, old_size);
}
inline bool poisoned(const void* memory, std::size_t bytes) {
  return __asan_region_is_poisoned(const_cast<void*>(memory), bytes) != nullptr;
}
#else
inline void leave(void**, const void*, std::size_t) {}
inline void enter(void*, const void**, std::size_t*) {}
inline bool poisoned(const void*, std::size_t) { return false; }
#endif
}  // namespace snag::simt::asan

namespace snag::simt::tsan {
#ifdef SIMT_TSAN
inline constexpr bool on = true;
inline void* current() { return __tsan_get_current_fiber(); }
inline void* create() { return __tsan_create_fiber(0); }
inline void name(void* fiber, const char* text) { __tsan_set_fiber_name(fiber, text); }
inline void switch_to(void* fiber) { __tsan_switch_to_fiber(fiber, __tsan_switch_to_fiber_no_sync); }
// What happens before a release(tag) happens before what follows an acquire(tag).
inline void acquire(void* tag) { __tsan_acquire(tag); }
inline void release(void* tag) { __tsan_release(tag); }

// The scope's accesses are simt's own, also those of intercepted functions such as memcpy: they race with nothing.
class Unwatched {
 public:
  Unwatched() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~Unwatched() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
  Unwatched(const Unwatched&) = delete;
  Unwatched& operator=(const Unwatched&) = delete;
};
#else
inline constexpr bool on = false;
inline void* current() { return nullptr; }
inline void* create() { return nullptr; }
inline void name(void*, const char*) {}
inline void switch_to(void*) {}
inline void acquire(void*) {}
inline void release(void*) {}
struct Unwatched {
  Unwatched() {}
};
#endif
}  // namespace snag::simt::tsan
