#include "kernels/cpu/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "base/error.h"
#include "kernels/cpu/machine.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#endif

namespace snag {
namespace {

constexpr std::size_t kLeastArena = std::size_t{64} << 20;

std::byte* reserve(std::size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? nullptr : static_cast<std::byte*>(p);
}

std::string megabytes(std::size_t bytes) {
  char s[32];
  std::snprintf(s, sizeof s, "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
  return s;
}

}  // namespace

Arena::Arena(std::size_t capacity, bool poison) : capacity_(capacity ? capacity : usable_memory()), poison_(poison) {
  base_ = reserve(capacity_);
  // Nobody asked for that much: where the system promises no more than it has (ulimit -v, strict overcommit), take
  // less.
  while (!base_ && capacity == 0 && capacity_ / 2 >= kLeastArena) base_ = reserve(capacity_ /= 2);
  if (!base_)
    throw Error(Exit::device, "out of memory: cannot reserve " + megabytes(capacity_) + " of address space (" +
                                  std::strerror(errno) + "); raise the limit (ulimit -v) or free memory");
  madvise(base_, capacity_, MADV_HUGEPAGE);  // fewer page faults and TLB misses where the system has them
}

Arena::~Arena() {
  ASAN_UNPOISON_MEMORY_REGION(base_, peak_);
  munmap(base_, capacity_);
}

void* Arena::alloc(std::size_t bytes) {
  const std::size_t left = capacity_ - used_;
  const std::size_t rounded = bytes > left ? bytes : aligned(bytes);
  if (rounded > left)
    throw Error(Exit::device, "out of memory: " + megabytes(bytes) + " more needed, " + megabytes(used_) + " of " +
                                  megabytes(capacity_) +
                                  " in use; use a smaller --batch-size or --width, or give the process more memory");
  std::byte* p = base_ + used_;
  used_ += rounded;
  peak_ = std::max(peak_, used_);
  ASAN_POISON_MEMORY_REGION(p, rounded);
  ASAN_UNPOISON_MEMORY_REGION(p, bytes);
  if (poison_) std::memset(p, 0xFF, bytes);
  return p;
}

void Arena::rewind(std::size_t mark) {
  ASAN_POISON_MEMORY_REGION(base_ + mark, used_ - mark);
  used_ = mark;
}

}  // namespace snag
