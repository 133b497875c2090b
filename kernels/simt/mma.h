#pragma once
// The instructions of kernels/cuda/mma.cuh on the CPU, with the same fragments.
#include <cstdint>

#include "kernels/simt/async_copy.h"
#include "kernels/simt/warp.h"

namespace snag::simt {

unsigned to_tf32(float x);
unsigned pack_bf16(float lo, float hi);
// Lanes bring their fragments in one meeting; the last to come multiplies for all.
void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], const Where& = Where::current());
void mma_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], const Where& = Where::current());

// Compiled with the kernel, so that sanitizers see what it reads.
template <bool kTransposed, int kMatrices>
void ldmatrix(unsigned (&r)[kMatrices], const void* shared_row, const Where& where) {
  using AnyHalf [[gnu::may_alias]] = std::uint16_t;
  if (reinterpret_cast<std::uintptr_t>(shared_row) % 16 && lane() < 8 * kMatrices)
    report("ldmatrix: the address of a row is not aligned to 16 bytes", where);
  const void* const* rows = exchange_all(shared_row, Operation::ldmatrix, where);
  const unsigned g = lane() / 4, t = lane() % 4;
  for (unsigned m = 0; m < kMatrices; ++m) {
    unsigned half[2];
    for (unsigned i = 0; i < 2; ++i) {
      const unsigned row = kTransposed ? 2 * t + i : g, column = kTransposed ? g : 2 * t + i;
      half[i] = static_cast<const AnyHalf*>(rows[8 * m + row])[column];
    }
    r[m] = half[0] | half[1] << 16;
  }
}
inline void ldmatrix_x4(unsigned (&r)[4], const void* shared_row, const Where& where = Where::current()) {
  ldmatrix<false>(r, shared_row, where);
}
inline void ldmatrix_x4_trans(unsigned (&r)[4], const void* shared_row, const Where& where = Where::current()) {
  ldmatrix<true>(r, shared_row, where);
}
inline void ldmatrix_x2(unsigned (&r)[2], const void* shared_row, const Where& where = Where::current()) {
  ldmatrix<false>(r, shared_row, where);
}
inline void ldmatrix_x2_trans(unsigned (&r)[2], const void* shared_row, const Where& where = Where::current()) {
  ldmatrix<true>(r, shared_row, where);
}

}  // namespace snag::simt
