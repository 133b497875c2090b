#pragma once
// The instructions of kernels/cuda/warpgroup.cuh on the CPU. A product is done when its thread waits for it, not
// before: operands that are overwritten too early give another result. Each thread computes its own sums from shared
// memory.
#include <bit>
#include <cstdint>
#include <vector>

#include "kernels/simt/async_copy.h"

namespace snag::simt {

struct SharedMatrix {
  const unsigned char* rows;
  unsigned across;  // bytes of the rows of k of 64 elements; 0: rows are not of k
  SharedMatrix moved(int by) const { return {rows + by, across}; }
};
constexpr unsigned kBytesOfRow = 128;
template <unsigned K = 0>
SharedMatrix shared_matrix(const void* rows, const Where& where = Where::current()) {
  if (reinterpret_cast<std::uintptr_t>(rows) % (8 * kBytesOfRow) != 0)
    report("shared_matrix: eight rows must begin at a multiple of their size", where);
  return {static_cast<const unsigned char*>(rows), K * kBytesOfRow};
}

struct PendingProduct {
  float* d;
  SharedMatrix a, b;
  unsigned columns;
  bool bf16;
  unsigned group;
};
std::vector<PendingProduct>& products_of_thread();
unsigned& product_group_of_thread();
unsigned thread_in_warpgroup();

// Where a byte lies that is so far from the first.
inline std::uintptr_t swizzled_address(SharedMatrix m, unsigned byte) {
  const auto address = reinterpret_cast<std::uintptr_t>(m.rows) + byte;
  return address ^ (address / kBytesOfRow % 8 * 16);
}
// The four bytes, number `word` along k, of a row of m or n: a float or two bf16.
inline unsigned word_at(SharedMatrix m, unsigned row, unsigned word) {
  if (m.across == 0) return *reinterpret_cast<const AnyWord*>(swizzled_address(m, row * kBytesOfRow + 4 * word));
  using AnyHalf [[gnu::may_alias]] = const std::uint16_t;
  const auto half = [&](unsigned k) -> unsigned {
    return *reinterpret_cast<AnyHalf*>(swizzled_address(m, row / 64 * m.across + k * kBytesOfRow + row % 64 * 2));
  };
  return half(2 * word) | half(2 * word + 1) << 16;
}
// The sums that a thread has of 64 x columns.
inline void multiply(const PendingProduct& p) {
  const unsigned warp = thread_in_warpgroup() / 32, g = thread_in_warpgroup() % 32 / 4, t = thread_in_warpgroup() % 4;
  for (unsigned h = 0; h < 2; ++h) {
    unsigned a[8];
    for (unsigned k = 0; k < 8; ++k) a[k] = word_at(p.a, 16 * warp + g + 8 * h, k);
    for (unsigned j = 0; j < p.columns / 8; ++j)
      for (unsigned i = 0; i < 2; ++i) {
        float& d = p.d[4 * j + 2 * h + i];
        for (unsigned k = 0; k < 8; ++k) {
          const unsigned x = a[k], y = word_at(p.b, 8 * j + 2 * t + i, k);
          if (p.bf16)
            d += std::bit_cast<float>(x << 16) * std::bit_cast<float>(y << 16) +
                 std::bit_cast<float>(x & 0xffff0000u) * std::bit_cast<float>(y & 0xffff0000u);
          else
            d += std::bit_cast<float>(x & 0xffffe000u) * std::bit_cast<float>(y & 0xffffe000u);
        }
      }
  }
}

template <unsigned Sums>
void warpgroup_tf32(float (&d)[Sums], SharedMatrix a, SharedMatrix b) {
  products_of_thread().push_back({d, a, b, 2 * Sums, false, product_group_of_thread()});
}
template <bool AcrossA, bool AcrossB, unsigned Sums>
void warpgroup_bf16(float (&d)[Sums], SharedMatrix a, SharedMatrix b, const Where& where = Where::current()) {
  if (AcrossA != (a.across != 0) || AcrossB != (b.across != 0))
    report("warpgroup_bf16: an operand lies otherwise than the instruction says", where);
  products_of_thread().push_back({d, a, b, 2 * Sums, true, product_group_of_thread()});
}
inline void fence_for_products() {}
inline void hold_sum(float&) {}
inline void warpgroup_begin() {}
inline void warpgroup_commit() { ++product_group_of_thread(); }
template <int N>
void warpgroup_wait() {
  auto& pending = products_of_thread();
  std::size_t done = 0;
  while (done < pending.size() && pending[done].group + N < product_group_of_thread()) multiply(pending[done++]);
  pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(done));
}

}  // namespace snag::simt
