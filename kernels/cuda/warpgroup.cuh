#pragma once
// Products of a whole warpgroup, four warps, on tensor cores that read both operands from shared memory by themselves
// while its threads do something else: wgmma, instructions of sm_90a alone. On the CPU: kernels/simt/warpgroup.h.
//
// An operand in shared memory (PTX ISA, "Asynchronous warpgroup level matrix instructions") has rows of 128 bytes: one
// for each m or n, with elements of k side by side; or, of bf16, across, one for each k, with 64 elements of m or n,
// and after all of these rows those of the next 64. Eight rows begin at a multiple of their size; the 16 bytes that are
// number p of row r lie where p ^ r % 8 says, so that no bank is met twice.
// Sums: d[4 j + 2 h + i] of lane 4 g + t of warp w is that of row 16 w + g + 8 h, column 8 j + 2 t + i.
#include <cstdint>

#include "kernels/cuda/mma.cuh"
#ifndef __CUDACC__
#include "kernels/simt/warpgroup.h"
#endif

namespace snag {

constexpr int kRowBytes = 128, kSwizzleAlignment = 8 * kRowBytes;
// Where a byte of a row lies.
HD constexpr int swizzled(int row, int byte) { return row * kRowBytes + ((byte / 16) ^ (row % 8)) * 16 + byte % 16; }

#ifdef __CUDACC__

struct SharedMatrix {
  std::uint64_t descriptor;
  // By eights of rows, and by a multiple of 32 bytes along k.
  __device__ SharedMatrix moved(int bytes) const { return {descriptor + static_cast<unsigned>(bytes) / 16}; }
};
// Rows from `rows` on; K > 0: K of them, across, before the next 64 elements.
template <int K = 0>
__device__ inline SharedMatrix shared_matrix(const void* rows) {
  constexpr std::uint64_t kNext = K > 0 ? K * kRowBytes / 16 : 1, kEightRows = 8 * kRowBytes / 16, kSwizzle = 1;
  return {shared_address(rows) / 16 | kNext << 16 | kEightRows << 32 | kSwizzle << 62};
}

// The compiler takes no sum for ready before this, nor leaves its initial value for later: before the first product,
// and after all have been waited for.
__device__ inline void hold_sum(float& sum) { asm volatile("" : "+f"(sum)::"memory"); }

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

constexpr bool kHasWarpgroups = true;
// What this thread wrote to shared memory becomes visible to those products that come after a barrier.
__device__ inline void fence_for_products() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
// Before the first product, and where a thread has touched its sums.
__device__ inline void warpgroup_begin() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ inline void warpgroup_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
// Waits until at most N groups of products, the newest, are under way.
template <int N>
__device__ void warpgroup_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(N) : "memory");
}

// `d` as operands of an instruction.
#define EIGHT_SUMS(i)                                                                                         \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), \
      "+f"(d[i + 7])
#define OPERANDS_0_TO_31                                         \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, " \
  "%14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define ADD_32_PRODUCTS(types, signs_and_sides, ...)                                                           \
  asm volatile(                                                                                                \
      "{\n.reg .pred adds;\nsetp.ne.b32 adds, %34, 0;\n"                                                       \
      "wgmma.mma_async.sync.aligned." types " {" OPERANDS_0_TO_31 "}, %32, %33, adds, " signs_and_sides ";\n}" \
      : EIGHT_SUMS(0), EIGHT_SUMS(8), EIGHT_SUMS(16), EIGHT_SUMS(24)                                           \
      : "l"(a.descriptor), "l"(b.descriptor), "r"(1) __VA_OPT__(, ) __VA_ARGS__)
#define ADD_64_PRODUCTS(types, signs_and_sides, ...)                                                                  \
  asm volatile(                                                                                                       \
      "{\n.reg .pred adds;\nsetp.ne.b32 adds, %66, 0;\n"                                                              \
      "wgmma.mma_async.sync.aligned." types " {" OPERANDS_0_TO_31                                                     \
      ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "                            \
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "                             \
      "%64, %65, adds, " signs_and_sides ";\n}"                                                                       \
      : EIGHT_SUMS(0), EIGHT_SUMS(8), EIGHT_SUMS(16), EIGHT_SUMS(24), EIGHT_SUMS(32), EIGHT_SUMS(40), EIGHT_SUMS(48), \
        EIGHT_SUMS(56)                                                                                                \
      : "l"(a.descriptor), "l"(b.descriptor), "r"(1) __VA_OPT__(, ) __VA_ARGS__)

// d [64,128] or [64,64] += a [64,8] * b [128 or 64,8]^T of floats, whose 13 low bits are ignored.
__device__ inline void warpgroup_tf32(float (&d)[64], SharedMatrix a, SharedMatrix b) {
  ADD_64_PRODUCTS("m64n128k8.f32.tf32.tf32", "1, 1");
}
__device__ inline void warpgroup_tf32(float (&d)[32], SharedMatrix a, SharedMatrix b) {
  ADD_32_PRODUCTS("m64n64k8.f32.tf32.tf32", "1, 1");
}
// d [64,128] or [64,64] += a [64,16] * b [128 or 64,16]^T of bf16. Which of them lie across?
template <bool AcrossA, bool AcrossB>
__device__ inline void warpgroup_bf16(float (&d)[64], SharedMatrix a, SharedMatrix b) {
  ADD_64_PRODUCTS("m64n128k16.f32.bf16.bf16", "1, 1, %67, %68", "n"(AcrossA), "n"(AcrossB));
}
template <bool AcrossA, bool AcrossB>
__device__ inline void warpgroup_bf16(float (&d)[32], SharedMatrix a, SharedMatrix b) {
  ADD_32_PRODUCTS("m64n64k16.f32.bf16.bf16", "1, 1, %35, %36", "n"(AcrossA), "n"(AcrossB));
}
#undef ADD_64_PRODUCTS
#undef ADD_32_PRODUCTS
#undef OPERANDS_0_TO_31
#undef EIGHT_SUMS

#else  // code that the host does not choose

constexpr bool kHasWarpgroups = false;
__device__ inline void fence_for_products() {}
__device__ inline void warpgroup_begin() {}
__device__ inline void warpgroup_commit() {}
template <int N>
__device__ void warpgroup_wait() {}
template <int Sums>
__device__ void warpgroup_tf32(float (&)[Sums], SharedMatrix, SharedMatrix) {}
template <bool, bool, int Sums>
__device__ void warpgroup_bf16(float (&)[Sums], SharedMatrix, SharedMatrix) {}

#endif

#else

constexpr bool kHasWarpgroups = true;
using simt::fence_for_products, simt::hold_sum, simt::shared_matrix, simt::SharedMatrix, simt::warpgroup_begin,
    simt::warpgroup_bf16, simt::warpgroup_commit, simt::warpgroup_tf32, simt::warpgroup_wait;

#endif

}  // namespace snag
