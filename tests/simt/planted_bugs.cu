// Bugs of memory, barriers, blocks and launches.
#include "tests/simt/planted_bugs.h"

#include <cstdint>

#include "kernels/cuda/launch.cuh"

namespace snag {
namespace {

constexpr int kThreads = 64, kBlocks = kPlantedSize / kThreads;

#define PLANTED __global__ void __launch_bounds__(kThreads)

float twice(const float* x, int i) { return 2 * x[i]; }
float neighbour(const float* x, int i) { return x[(i + 1) % kThreads]; }
float same(const float* x, int i) { return x[i]; }

PLANTED global_out_of_bounds(const float* x, float* y, bool bug) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (bug ? i <= kPlantedSize : i < kPlantedSize) y[i] = 2 * x[i];
}

PLANTED tail_off_by_one(const float* x, float* y, bool bug) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < kPlantedSize - bug) y[i] = 2 * x[i];
}

PLANTED shared_out_of_bounds(const float* x, float* y, bool bug) {
  SHARED(float, s, [kThreads]);
  const int t = threadIdx.x;
  s[t] = x[t];
  __syncthreads();
  const float* p = s;
  y[t] = p[bug ? t + 1 : (t + 1) % kThreads];
}

PLANTED dynamic_out_of_bounds(const float* x, float* y, bool bug) {
  DYN_SHARED(float, s);
  const int t = threadIdx.x;
  s[t] = x[t];
  __syncthreads();
  y[t] = s[bug ? t + 1 : (t + 1) % kThreads];
}

PLANTED uninitialised_shared(const float* x, float* y, bool bug) {  // the tile's last element is the padding
  SHARED(float, s, [kThreads + 1]);
  const int t = threadIdx.x;
  s[t] = x[t];
  if (!bug && t == 0) s[kThreads] = x[0];
  __syncthreads();
  y[t] = s[t + 1];
}

PLANTED overlapping_arrays(const float* x, float* y, bool bug) {
  DYN_SHARED(float, a);
  float* b = a + (bug ? kThreads / 2 : kThreads);
  const int t = threadIdx.x;
  a[t] = x[t];
  b[t] = x[t];
  __syncthreads();
  y[t] = a[t] + b[t];
}

PLANTED wrong_row_stride(const float* x, float* y, bool bug) {  // rows of 8 in a tile padded to 9
  SHARED(float, s, [8][9]);
  const int t = threadIdx.x, row = t / 8, column = t % 8;
  s[row][column] = x[t];
  __syncthreads();
  y[t] = (&s[0][0])[row * (bug ? 8 : 9) + column];
}

PLANTED missing_barrier_before(const float* x, float* y, bool bug) {
  SHARED(float, s, [kThreads]);
  const int t = threadIdx.x;
  s[t] = x[t];
  if (!bug) __syncthreads();
  y[t] = s[(t + 1) % kThreads];
}

PLANTED missing_barrier_after(const float* x, float* y, bool bug) {  // a tile is overwritten while others read it
  SHARED(float, s, [kThreads]);
  const int t = threadIdx.x;
  float sum = 0;
  for (int tile = 0; tile < 2; ++tile) {
    s[t] = x[tile * kThreads + t];
    __syncthreads();
    sum += s[(t + 1) % kThreads];
    if (!bug) __syncthreads();
  }
  y[t] = sum;
}

PLANTED divergent_barrier(const float* x, float* y, bool bug) {
  const int t = threadIdx.x;
  y[t] = x[t];
  if (bug && t < 40) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

PLANTED exit_before_barrier(const float* x, float* y, bool bug) {
  const int t = threadIdx.x;
  y[t] = x[t];
  if (bug && t >= 40) return;
  __syncthreads();
}

PLANTED race_between_blocks(const float* x, float* y, bool bug) {  // all blocks add to the same elements
  const int t = threadIdx.x, i = blockIdx.x * kThreads + t;
  if (bug) {
    if (blockIdx.x == 0) y[t] = 0;
    y[t] += x[i];
  } else if (blockIdx.x == 0) {
    float sum = 0;
    for (int b = 0; b < kBlocks; ++b) sum += x[b * kThreads + t];
    y[t] = sum;
  }
}

// The last block to finish adds what all blocks left in y.
__device__ void add_in_last_block(const float* x, float* y, bool fence, bool atomic) {
  auto* ticket = reinterpret_cast<int*>(y + kBlocks);  // NaN bits: -1
  const int b = blockIdx.x;
  if (threadIdx.x != 0) return;
  y[b] = x[b];
  if (fence) __threadfence();
  const int before = atomic ? atomicAdd(ticket, 1) : (*ticket)++;
  if (before != kBlocks - 2) return;
  if (fence) __threadfence();
  float sum = 0;
  for (int i = 0; i < kBlocks; ++i) sum += y[i];
  y[0] = sum;
}
float sum_of_blocks(const float* x, int) { return x[0] + x[1] + x[2] + x[3]; }

PLANTED missing_fence(const float* x, float* y, bool bug) { add_in_last_block(x, y, !bug, true); }
PLANTED ticket_without_atomic(const float* x, float* y, bool bug) { add_in_last_block(x, y, true, !bug); }

PLANTED misaligned_float4(const float* x, float* y, bool bug) {
  const int t = threadIdx.x;
  if (t >= kThreads / 4) return;
  const float4 v = *reinterpret_cast<const float4*>(x + 4 * t + bug);
  y[t] = bug ? v.x : v.y;
}
float second_of_four(const float* x, int i) { return x[4 * i + 1]; }

PLANTED index_overflow(const float* x, float* y, bool bug) {
  const int t = threadIdx.x;
  const int i = bug ? kPlantedSize * (t + 2) * (1 << 22) : 0;
  y[t] = x[(i & 1) + t];
}

PLANTED copy(const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x]; }

struct Operands {
  float* y;
  int size;
  const float* x;
};
PLANTED copy_operands(Operands o) { o.y[threadIdx.x] = o.x[threadIdx.x]; }

float on_host[kPlantedSize];

void host_pointer(const PlantedRun& r) {
  cudaMemcpy(on_host, r.x, sizeof on_host, cudaMemcpyDeviceToHost);
  launch(copy, 1, kThreads, 0, r.stream, r.bug ? on_host : r.x, r.y);
}
void host_pointer_in_struct(const PlantedRun& r) {
  cudaMemcpy(on_host, r.x, sizeof on_host, cudaMemcpyDeviceToHost);
  launch(copy_operands, 1, kThreads, 0, r.stream, Operands{r.y, kThreads, r.bug ? on_host : r.x});
}
void freed_memory(const PlantedRun& r) {
  float* scratch = nullptr;
  cudaMalloc(&scratch, kThreads * sizeof(float));
  launch(copy, 1, kThreads, 0, r.stream, r.x, scratch);
  if (r.bug) cudaFree(scratch);
  launch(copy, 1, kThreads, 0, r.stream, scratch, r.y);
  if (!r.bug) cudaFree(scratch);
}
void too_many_threads(const PlantedRun& r) { launch(copy, 1, r.bug ? 1056 : kThreads, 0, r.stream, r.x, r.y); }
void too_much_shared(const PlantedRun& r) { launch(copy, 1, kThreads, (r.bug ? 228 : 227) << 10, r.stream, r.x, r.y); }

template <void (*kernel)(const float*, float*, bool), int blocks = 1, int bytes = 0>
void run(const PlantedRun& r) {
  launch(kernel, blocks, kThreads, bytes, r.stream, r.x, r.y, r.bug);
}
float two_tiles(const float* x, int i) { return neighbour(x, i) + neighbour(x + kThreads, i); }
float four_tiles(const float* x, int i) { return x[i] + x[i + 64] + x[i + 128] + x[i + 192]; }

}  // namespace

std::vector<PlantedBug> planted_block_bugs() {
  return {
      {"global_out_of_bounds", "heap-buffer-overflow", run<global_out_of_bounds, kBlocks + 1>, kPlantedSize, twice},
      {"tail_off_by_one", "wrong result", run<tail_off_by_one, kBlocks>, kPlantedSize, twice},
      {"shared_out_of_bounds", "heap-buffer-overflow", run<shared_out_of_bounds>, kThreads, neighbour},
      {"dynamic_out_of_bounds", "heap-buffer-overflow", run<dynamic_out_of_bounds, 1, 4 * kThreads>, kThreads,
       neighbour},
      {"uninitialised_shared", "depends on", run<uninitialised_shared>, kThreads, neighbour},
      {"overlapping_arrays", "data race", run<overlapping_arrays, 1, 8 * kThreads>, kThreads, twice},
      {"wrong_row_stride", "wrong result", run<wrong_row_stride>, kThreads, same},
      {"missing_barrier_before", "depends on", run<missing_barrier_before>, kThreads, neighbour},
      {"missing_barrier_after", "data race", run<missing_barrier_after>, kThreads, two_tiles},
      {"divergent_barrier", "divergent barrier: threads of a block wait", run<divergent_barrier>, kThreads, same},
      {"exit_before_barrier", "left the kernel", run<exit_before_barrier>, kThreads, same},
      {"race_between_blocks", "data race", run<race_between_blocks, kBlocks>, kThreads, four_tiles},
      {"missing_fence", "data race", run<missing_fence, kBlocks>, 1, sum_of_blocks},
      {"ticket_without_atomic", "data race", run<ticket_without_atomic, kBlocks>, 1, sum_of_blocks},
      {"misaligned_float4", "misaligned address", run<misaligned_float4>, kThreads / 4, second_of_four},
      {"index_overflow", "signed integer overflow", run<index_overflow>, kThreads, same},
      {"host_pointer", "not a device address", host_pointer, kThreads, same},
      {"host_pointer_in_struct", "holds a host address, at byte 16", host_pointer_in_struct, kThreads, same},
      {"freed_memory", "heap-use-after-free", freed_memory, kThreads, same},
      {"too_many_threads", "cudaErrorInvalidConfiguration", too_many_threads, kThreads, same},
      {"too_much_shared", "cudaErrorInvalidValue", too_much_shared, kThreads, same},
  };
}

}  // namespace snag
