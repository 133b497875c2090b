// Bugs of warps, tensor cores and asynchronous copies.
#include <bit>
#include <cstdint>

#include "kernels/cuda/mma.cuh"
#include "kernels/cuda/warpgroup.cuh"
#include "tests/simt/planted_bugs.h"

namespace snag {
namespace {

constexpr int kThreads = 64, kLanes = 32;
constexpr unsigned kAll = 0xffffffffu, kLowHalf = 0x0000ffffu;

#define PLANTED __global__ void __launch_bounds__(128)

float same(const float* x, int i) { return x[i]; }
float next_in_half(const float* x, int i) { return i < 16 ? x[i] + x[(i + 1) % 16] : x[i]; }

PLANTED missing_syncwarp(const float* x, float* y, bool bug) {  // as kernels were written before Volta
  SHARED(float, s, [kLanes]);
  const int t = threadIdx.x;
  s[t] = x[t];
  for (int d = 16; d > 0; d /= 2) {
    if (!bug) __syncwarp();
    const float other = s[(t + d) % kLanes];
    if (!bug) __syncwarp();
    if (t < d) s[t] += other;
  }
  if (t == 0) y[0] = s[0];
}
float warp_sum(const float* x, int) {  // in the order of the tree
  float s[kLanes];
  for (int i = 0; i < kLanes; ++i) s[i] = x[i];
  for (int d = 16; d > 0; d /= 2)
    for (int i = 0; i < d; ++i) s[i] += s[i + d];
  return s[0];
}

PLANTED shuffle_as_barrier(const float* x, float* y, bool bug) {  // a shuffle does not order memory
  SHARED(float, s, [kLanes]);
  const int t = threadIdx.x;
  s[t] = x[t];
  const int next = __shfl_sync(kAll, (t + 1) % kLanes, t);
  if (!bug) __syncwarp();
  y[t] = s[next];
}
float next_lane(const float* x, int i) { return x[(i + 1) % kLanes]; }

PLANTED lanes_do_not_come(const float* x, float* y, bool bug) {
  const int t = threadIdx.x;
  float v = x[t];
  if (t < 16) v += __shfl_sync(bug ? kAll : kLowHalf, v, t + 1, 16);
  __syncthreads();
  y[t] = v;
}

PLANTED caller_not_in_mask(const float* x, float* y, bool bug) {
  const int t = threadIdx.x;
  float v = x[t];
  if (t < 16) v += __shfl_sync(bug ? 0x0000fffeu : kLowHalf, v, t + 1, 16);
  y[t] = v;
}

PLANTED shuffle_from_inactive_lane(const float* x, float* y, bool bug) {
  const int t = threadIdx.x;
  float v = x[t];
  if (t < 16) {
    const float next = __shfl_down_sync(kLowHalf, v, bug ? 1 : t < 15);  // lane 15 reads lane 16, or itself
    v += t < 15 ? next : x[0];
  }
  y[t] = v;
}

PLANTED shuffle_from_exited_lane(const float* x, float* y, bool bug) {
  const int t = threadIdx.x;
  const float v = x[t];
  y[t] = v;
  if (bug && t == 31) return;
  const float last = __shfl_sync(kAll, v, 31);
  if (t == 0) y[t] = v + (last - last);
}

PLANTED different_operations(const float* x, float* y, bool bug) {
  const int t = threadIdx.x;
  y[t] = x[t];
  if (bug && t < 16) {
    __ballot_sync(kAll, 1);
  } else {
    __shfl_sync(kAll, t, 0);
  }
}

PLANTED mma_in_branch(const float* x, float* y, bool bug) {
  const int t = threadIdx.x;
  float d[4] = {x[t], 0, 0, 0};
  const unsigned a[4] = {}, b[2] = {};
  if (!bug || t < 16) mma_tf32(d, a, b);
  __syncthreads();
  y[t] = d[0];
}

PLANTED ldmatrix_without_barrier(const float* x, float* y, bool bug) {
  SHARED(float4, s, [8]);
  const int t = threadIdx.x;
  if (t < 8) s[t] = reinterpret_cast<const float4*>(x)[t];
  if (!bug) __syncthreads();
  unsigned r[2];
  ldmatrix_x2(r, &s[t % 8]);
  y[t] = __uint_as_float(r[0]);
}

PLANTED ldmatrix_misaligned(const float* x, float* y, bool bug) {
  SHARED(float4, s, [9]);
  const int t = threadIdx.x;
  if (t < 9) s[t] = reinterpret_cast<const float4*>(x)[t];
  __syncthreads();
  unsigned r[2];
  ldmatrix_x2(r, reinterpret_cast<const float*>(&s[t % 8]) + bug);
  y[t] = bug ? x[t] : __uint_as_float(r[0]);
}

PLANTED missing_copy_wait(const float* x, float* y, bool bug) {
  SHARED(float, s, [kThreads]);
  const int t = threadIdx.x;
  cp_async_4(&s[t], &x[t], true);
  cp_async_commit();
  if (!bug) cp_async_wait<0>();
  __syncthreads();
  y[t] = s[t];
}

PLANTED copy_wait_too_short(const float* x, float* y, bool bug) {  // waits for the first of two groups
  SHARED(float, s, [2][kThreads]);
  const int t = threadIdx.x;
  for (int stage = 0; stage < 2; ++stage) {
    cp_async_4(&s[stage][t], &x[t], true);
    cp_async_commit();
  }
  if (bug) {
    cp_async_wait<1>();
  } else {
    cp_async_wait<0>();
  }
  __syncthreads();
  y[t] = s[1][t];
}

PLANTED missing_copy_commit(const float* x, float* y, bool bug) {
  SHARED(float, s, [kThreads]);
  const int t = threadIdx.x;
  cp_async_4(&s[t], &x[t], true);
  if (!bug) cp_async_commit();
  cp_async_wait<0>();
  __syncthreads();
  y[t] = s[t];
}

PLANTED copy_over_what_is_read(const float* x, float* y, bool bug) {  // the copy may land before the barrier
  SHARED(float, s, [kThreads]);
  const int t = threadIdx.x;
  s[t] = x[t];
  __syncthreads();
  y[t] = s[kThreads - 1 - t];
  if (!bug) __syncthreads();
  cp_async_4(&s[t], &x[t], true);
  cp_async_commit();
  __syncthreads();
  cp_async_wait<0>();
}
float reversed(const float* x, int i) { return x[kThreads - 1 - i]; }

PLANTED copy_misaligned(const float* x, float* y, bool bug) {
  SHARED(float4, s, [kLanes]);
  const int t = threadIdx.x;
  cp_async_16(&s[t], x + 4 * t + bug, true);
  cp_async_commit();
  cp_async_wait<0>();
  y[t] = bug ? x[4 * t] : s[t].x;
}
float first_of_four(const float* x, int i) { return x[4 * i]; }

PLANTED copy_past_the_end(const float* x, float* y, bool bug) {
  SHARED(float, s, [kThreads]);
  const int t = threadIdx.x, i = kPlantedSize - kThreads / 2 + t;
  cp_async_4(&s[t], bug || i < kPlantedSize ? x + i : x, bug || i < kPlantedSize);
  cp_async_commit();
  cp_async_wait<0>();
  y[t] = s[t];
}
float end_and_zeros(const float* x, int i) { return i < kThreads / 2 ? x[kPlantedSize - kThreads / 2 + i] : 0; }

// d = a b^T, where the first column of a is 1, of b x, and all else 0.
struct SmallProduct {
  float d[64] = {};
  __device__ float* row(float* memory, int i) {  // 64 of a, then 128 of b, each of 32 floats
    return memory + 32 * i;
  }
  __device__ static float* aligned(float* memory) {
    return memory + (0 - reinterpret_cast<std::uintptr_t>(memory)) % kSwizzleAlignment / sizeof(float);
  }
  __device__ void begin(float* memory, const float* x, int skew) {
    const int t = threadIdx.x;
    for (int i = t; i < 192; i += 128) {
      for (int k = 0; k < 32; ++k) row(memory, i)[k] = 0;
      *reinterpret_cast<float*>(reinterpret_cast<unsigned char*>(memory) + swizzled(i, 0)) = i < 64 ? 1 : x[i - 64];
    }
    fence_for_products();
    __syncthreads();
    warpgroup_begin();
    warpgroup_tf32(d, shared_matrix(memory), shared_matrix(memory + 2048 + skew));
    warpgroup_commit();
  }
};
constexpr int kProductFloats = 192 * 32 + kSwizzleAlignment / 4 + 8;

PLANTED products_overwritten(const float* x, float* y, bool bug) {
  SHARED(float, memory, [kProductFloats]);
  float* const m = SmallProduct::aligned(memory);
  SmallProduct p;
  p.begin(m, x, 0);
  if (bug) p.row(m, threadIdx.x)[0] = 0;
  warpgroup_wait<0>();
  y[threadIdx.x] = p.d[0];
}

PLANTED missing_products_wait(const float* x, float* y, bool bug) {
  SHARED(float, memory, [kProductFloats]);
  SmallProduct p;
  p.begin(SmallProduct::aligned(memory), x, 0);
  if (!bug) warpgroup_wait<0>();
  y[threadIdx.x] = p.d[0];
  warpgroup_wait<0>();
}

PLANTED products_misaligned(const float* x, float* y, bool bug) {
  SHARED(float, memory, [kProductFloats]);
  SmallProduct p;
  p.begin(SmallProduct::aligned(memory), x, bug ? 4 : 0);
  warpgroup_wait<0>();
  y[threadIdx.x] = p.d[0];
}
float in_tf32(const float* x, int i) {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x[2 * (i % 4)]) & 0xffffe000u);
}

template <void (*kernel)(const float*, float*, bool), int threads = kLanes>
void run(const PlantedRun& r) {
  launch(kernel, 1, threads, 0, r.stream, r.x, r.y, r.bug);
}

}  // namespace

std::vector<PlantedBug> planted_warp_bugs() {
  return {
      {"missing_syncwarp", "data race", run<missing_syncwarp>, 1, warp_sum},
      {"shuffle_as_barrier", "data race", run<shuffle_as_barrier>, kLanes, next_lane},
      {"lanes_do_not_come", "lanes that the mask names do not come", run<lanes_do_not_come>, kLanes, next_in_half},
      {"caller_not_in_mask", "is not in its mask", run<caller_not_in_mask>, kLanes, next_in_half},
      {"shuffle_from_inactive_lane", "takes no part", run<shuffle_from_inactive_lane>, kLanes, next_in_half},
      {"shuffle_from_exited_lane", "takes no part", run<shuffle_from_exited_lane>, kLanes, same},
      {"different_operations", "meet in different operations", run<different_operations>, kLanes, same},
      {"mma_in_branch", "lanes that the mask names do not come", run<mma_in_branch>, kLanes, same},
      {"ldmatrix_without_barrier", "data race", run<ldmatrix_without_barrier>, kLanes, same},
      {"ldmatrix_misaligned", "address of a row is not aligned", run<ldmatrix_misaligned>, kLanes, same},
      {"missing_copy_wait", "depends on", run<missing_copy_wait, kThreads>, kThreads, same},
      {"copy_wait_too_short", "depends on", run<copy_wait_too_short, kThreads>, kThreads, same},
      {"missing_copy_commit", "depends on", run<missing_copy_commit, kThreads>, kThreads, same},
      {"copy_over_what_is_read", "data race", run<copy_over_what_is_read, kThreads>, kThreads, reversed},
      {"copy_misaligned", "cp_async: an address is not aligned to 16", run<copy_misaligned>, kLanes, first_of_four},
      {"products_overwritten", "wrong result", run<products_overwritten, 128>, 128, in_tf32},
      {"missing_products_wait", "wrong result", run<missing_products_wait, 128>, 128, in_tf32},
      {"products_misaligned", "must begin at a multiple", run<products_misaligned, 128>, 128, in_tf32},
      {"copy_past_the_end", "heap-buffer-overflow", run<copy_past_the_end, kThreads>, kThreads, end_and_zeros},
  };
}

}  // namespace snag
