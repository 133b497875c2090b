#pragma once
#include <cstddef>
#include <string>

#include "base/error.h"
#include "kernels/cuda/handles.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define SNAG_POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define SNAG_UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define SNAG_POISON(p, n) (void)0
#define SNAG_UNPOISON(p, n) (void)0
#endif

namespace snag {

// A stack of tensors in one piece of device memory, 256-byte aligned. Under AddressSanitizer (simt) a gap that nothing
// may touch follows each tensor, and what is above the stack is out of bounds, until drop_guards().
class DeviceArena {
 public:
  explicit DeviceArena(std::size_t bytes) : bytes_(bytes), memory_(device_memory(bytes)) {
    SNAG_POISON(memory_.get(), bytes_);
  }
  ~DeviceArena() { SNAG_UNPOISON(memory_.get(), bytes_); }
  DeviceArena(const DeviceArena&) = delete;
  DeviceArena& operator=(const DeviceArena&) = delete;

  // What alloc(bytes) takes from the arena.
  static std::size_t step(std::size_t bytes) { return (bytes + kGap + kAlign - 1) / kAlign * kAlign; }

  void* alloc(std::size_t bytes) {
    const std::size_t end = used_ + step(bytes);
    if (end > bytes_)
      throw Error(Exit::device, "out of device memory: " + std::to_string(end >> 20) + " MB are needed, " +
                                    std::to_string(bytes_ >> 20) + " MB were taken (--memory); use a smaller batch");
    char* p = static_cast<char*>(memory_.get()) + used_;
    SNAG_UNPOISON(p, bytes);
    used_ = end;
    if (used_ > peak_) peak_ = used_;
    return p;
  }
  std::size_t used() const { return used_; }
  std::size_t peak() const { return peak_; }
  void rewind(std::size_t mark) {
    if (guarded_) SNAG_POISON(static_cast<char*>(memory_.get()) + mark, used_ - mark);
    used_ = mark;
  }
  // A captured step runs in the memory that it was given when it was captured, whatever the stack holds later.
  void drop_guards() {
    SNAG_UNPOISON(memory_.get(), bytes_);
    guarded_ = false;
  }

 private:
  static constexpr std::size_t kAlign = 256;
#if defined(__SANITIZE_ADDRESS__)
  static constexpr std::size_t kGap = 64;
#else
  static constexpr std::size_t kGap = 0;
#endif
  std::size_t bytes_, used_ = 0, peak_ = 0;
  bool guarded_ = true;
  DeviceMemory memory_;
};

}  // namespace snag
