#pragma once
#include <cstddef>

namespace snag {

constexpr std::size_t kArenaAlign = 64;
// What `bytes` take of an arena.
inline std::size_t aligned(std::size_t bytes) { return (bytes + kArenaAlign - 1) / kArenaAlign * kArenaAlign; }

// One stretch of address space used as a stack. Pages are taken from the system when first touched and kept.
class Arena {
 public:
  // capacity 0: as much as this machine has
  explicit Arena(std::size_t capacity, bool poison);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // aligned to kArenaAlign; throws Error{Exit::device} when it does not fit
  void* alloc(std::size_t bytes);
  void rewind(std::size_t mark);
  std::byte* at(std::size_t mark) const { return base_ + mark; }
  std::size_t used() const { return used_; }
  std::size_t peak() const { return peak_; }

 private:
  std::byte* base_ = nullptr;
  std::size_t capacity_, used_ = 0, peak_ = 0;
  bool poison_;
};

}  // namespace snag
