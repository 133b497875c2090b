#pragma once
// Tensor-core and asynchronous-copy instructions of sm_80 and later, each behind a function: PTX on the GPU, the same
// fragment layout and the same ordering on the CPU (kernels/simt/mma.h, kernels/simt/async_copy.h).
//
// Fragments, for lane l of a warp with g = l / 4 and t = l % 4 (PTX ISA, "Matrix fragments for mma"):
//   d[0..3] of 16 x 8                 rows g, g, g+8, g+8            columns 2t, 2t+1, 2t, 2t+1
//   tf32, k = 8    a[0..3] of 16 x 8  rows g, g+8, g, g+8            columns t, t, t+4, t+4
//                  b[0..1] of 8 x 8   rows t, t+4                    column g
//   bf16, k = 16   a[0..3] of 16 x 16 rows g, g+8, g, g+8            columns 2t and 2t+1, the same, both + 8, the same
//                  b[0..1] of 16 x 8  rows 2t and 2t+1, both + 8     column g
// A bf16 register holds two values, the one of the lower index in its low half. All 32 lanes call, together.
#include "kernels/cuda/launch.cuh"
#ifndef __CUDACC__
#include "kernels/simt/async_copy.h"
#include "kernels/simt/mma.h"
#endif

namespace snag {

#ifdef __CUDACC__

// The nearest tf32 (10 bits of mantissa), ties away from zero, as the bits of a float.
__device__ inline unsigned to_tf32(float x) {
  unsigned bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return bits;
}

// The nearest bf16 of each, ties to even; lo in the low half.
__device__ inline unsigned pack_bf16(float lo, float hi) {
  unsigned bits;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(hi), "f"(lo));
  return bits;
}

// d [16,8] += a [16,8] * b [8,8]. The 13 low bits of a and b are ignored.
__device__ inline void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// d [16,8] += a [16,16] * b [16,8].
__device__ inline void mma_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ inline unsigned shared_address(const void* shared) {
  return static_cast<unsigned>(__cvta_generic_to_shared(shared));
}

// Loads 8 x 8 matrices of 16-bit elements. Lane 8j + i gives the address of row i of matrix j: 16 bytes in shared
// memory, 16-byte aligned (x2 looks at lanes 0 to 15 only). r[j] of lane l: elements 2t and 2t+1 of row g of matrix j;
// of the transposed matrix for _trans.
__device__ inline void ldmatrix_x4(unsigned (&r)[4], const void* shared_row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(shared_row))
               : "memory");
}
__device__ inline void ldmatrix_x4_trans(unsigned (&r)[4], const void* shared_row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(shared_row))
               : "memory");
}
__device__ inline void ldmatrix_x2(unsigned (&r)[2], const void* shared_row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(shared_address(shared_row))
               : "memory");
}
__device__ inline void ldmatrix_x2_trans(unsigned (&r)[2], const void* shared_row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(shared_address(shared_row))
               : "memory");
}

// Starts a copy of 16 (or 4) bytes, both ends aligned to as much; zeros where not valid, and `global` is not read.
// The bytes are there after cp_async_commit and cp_async_wait for this thread, after a barrier for the others.
__device__ inline void cp_async_16(void* shared, const void* global, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global),
               "r"(valid ? 16 : 0)
               : "memory");
}
// The same for what a block reads again soon: kept in L1, where nothing may write it meanwhile.
__device__ inline void cp_async_16_cached(void* shared, const void* global, bool valid) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global),
               "r"(valid ? 16 : 0)
               : "memory");
}
__device__ inline void cp_async_4(void* shared, const void* global, bool valid) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_address(shared)), "l"(global),
               "r"(valid ? 4 : 0)
               : "memory");
}
// Makes a group of the copies that this thread started since the last commit.
__device__ inline void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until at most N of this thread's groups, the newest, are under way.
template <int N>
__device__ void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

#else

using simt::cp_async_16, simt::cp_async_16_cached, simt::cp_async_4, simt::cp_async_commit, simt::cp_async_wait;
using simt::ldmatrix_x2, simt::ldmatrix_x2_trans, simt::ldmatrix_x4, simt::ldmatrix_x4_trans;
using simt::mma_bf16, simt::mma_tf32, simt::pack_bf16, simt::to_tf32;

#endif

}  // namespace snag
