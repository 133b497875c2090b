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
  unsigned bytes;  // of a row
  SharedMatrix moved(int by) const { return {rows + by, bytes}; }
};
template <int Bytes>
SharedMatrix shared_matrix(const void* rows, const Where& where = Where::current()) {
  if (reinterpret_cast<std::uintptr_t>(rows) % (8 * Bytes) != 0)
    report("shared_matrix: eight rows must begin at a multiple of their size", where);
  return {static_cast<const unsigned char*>(rows), Bytes};
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

inline unsigned word_at(SharedMatrix m, unsigned row, unsigned byte) {
  auto address = reinterpret_cast<std::uintptr_t>(m.rows) + row * m.bytes + byte;
  address ^= (address >> 7 & (m.bytes / 16 - 1)) << 4;
  return *reinterpret_cast<const AnyWord*>(address);
}
// The sums that a thread has of 64 x columns.
inline void multiply(const PendingProduct& p) {
  const unsigned warp = thread_in_warpgroup() / 32, g = thread_in_warpgroup() % 32 / 4, t = thread_in_warpgroup() % 4;
  for (unsigned h = 0; h < 2; ++h) {
    unsigned a[8];
    for (unsigned k = 0; k < 8; ++k) a[k] = word_at(p.a, 16 * warp + g + 8 * h, 4 * k);
    for (unsigned j = 0; j < p.columns / 8; ++j)
      for (unsigned i = 0; i < 2; ++i) {
        float& d = p.d[4 * j + 2 * h + i];
        for (unsigned k = 0; k < 8; ++k) {
          const unsigned x = a[k], y = word_at(p.b, 8 * j + 2 * t + i, 4 * k);
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
template <unsigned Sums>
void warpgroup_bf16(float (&d)[Sums], SharedMatrix a, SharedMatrix b) {
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
