#pragma once
// Products of a whole warpgroup, four warps, on tensor cores that read both operands from shared memory by themselves
// while its threads do something else: wgmma, instructions of sm_90a alone. On the CPU: kernels/simt/warpgroup.h.
//
// An operand in shared memory (PTX ISA, "Asynchronous warpgroup level matrix instructions"): rows of m or n, elements
// of k side by side, Bytes = 64 or 128 a row. Eight rows begin at a multiple of their size; the 16 bytes that are
// number p of a row lie where p ^ (address / 128 % (Bytes / 16)) says, so that no bank is met twice.
// Sums: d[4 j + 2 h + i] of lane 4 g + t of warp w is that of row 16 w + g + 8 h, column 8 j + 2 t + i.
#include <cstdint>

#include "kernels/cuda/mma.cuh"
#ifndef __CUDACC__
#include "kernels/simt/warpgroup.h"
#endif

namespace snag {

// Where a byte of a row lies.
template <int Bytes>
HD constexpr int swizzled(int row, int byte) {
  return row * Bytes + ((byte / 16) ^ (row * Bytes / 128 % (Bytes / 16))) * 16 + byte % 16;
}
constexpr int kSwizzleAlignment = 1024;

#ifdef __CUDACC__

struct SharedMatrix {
  std::uint64_t descriptor;
};
// Rows from `rows` on, where `bytes` of each begin: a multiple of 32 within a row.
template <int Bytes>
__device__ inline SharedMatrix shared_matrix(const void* rows, int bytes) {
  constexpr std::uint64_t kSwizzle = Bytes == 128 ? 1 : 2, kEightRows = 8 * Bytes / 16;
  static_assert(Bytes == 128 || Bytes == 64);
  return {(shared_address(rows) + static_cast<unsigned>(bytes)) / 16 | std::uint64_t{1} << 16 | kEightRows << 32 |
          kSwizzle << 62};
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

// d [64,128] += a [64,8] * b [128,8]^T of floats, whose 13 low bits are ignored.
__device__ inline void warpgroup_tf32(float (&d)[64], SharedMatrix a, SharedMatrix b) {
  asm volatile(
      "{\n.reg .pred adds;\nsetp.ne.b32 adds, %66, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k8.f32.tf32.tf32 {"
      "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
      "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
      "%64, %65, adds, 1, 1;\n}"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]),
        "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]),
        "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]),
        "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31]), "+f"(d[32]),
        "+f"(d[33]), "+f"(d[34]), "+f"(d[35]), "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), "+f"(d[40]),
        "+f"(d[41]), "+f"(d[42]), "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), "+f"(d[48]),
        "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]), "+f"(d[56]),
        "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
      : "l"(a.descriptor), "l"(b.descriptor), "r"(1));
}
// d [64,128] += a [64,16] * b [128,16]^T of bf16.
__device__ inline void warpgroup_bf16(float (&d)[64], SharedMatrix a, SharedMatrix b) {
  asm volatile(
      "{\n.reg .pred adds;\nsetp.ne.b32 adds, %66, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {"
      "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
      "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
      "%64, %65, adds, 1, 1, 0, 0;\n}"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]),
        "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]),
        "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]),
        "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31]), "+f"(d[32]),
        "+f"(d[33]), "+f"(d[34]), "+f"(d[35]), "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), "+f"(d[40]),
        "+f"(d[41]), "+f"(d[42]), "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), "+f"(d[48]),
        "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]), "+f"(d[56]),
        "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
      : "l"(a.descriptor), "l"(b.descriptor), "r"(1));
}

#else  // code that the host does not choose

constexpr bool kHasWarpgroups = false;
__device__ inline void fence_for_products() {}
__device__ inline void warpgroup_begin() {}
__device__ inline void warpgroup_commit() {}
template <int N>
__device__ void warpgroup_wait() {}
__device__ inline void warpgroup_tf32(float (&)[64], SharedMatrix, SharedMatrix) {}
__device__ inline void warpgroup_bf16(float (&)[64], SharedMatrix, SharedMatrix) {}

#endif

#else

constexpr bool kHasWarpgroups = true;
using simt::fence_for_products, simt::hold_sum, simt::shared_matrix, simt::SharedMatrix, simt::warpgroup_begin,
    simt::warpgroup_bf16, simt::warpgroup_commit, simt::warpgroup_tf32, simt::warpgroup_wait;

#endif

}  // namespace snag
