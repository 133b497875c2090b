#pragma once
// One vocabulary, two compilers. nvcc makes GPU code of a .cu file; g++ -x c++ makes code that runs each CUDA thread of
// the same file as a fiber on the CPU (kernels/simt), where sanitizers see what it does.
//
//   SHARED(float, tile, [32][33]);   the block's shared memory, not initialised
//   DYN_SHARED(float, buffer);       float* to the `bytes` of the launch, 16-byte aligned
//   UNROLL for (...)                 unrolled on the GPU
//   LOOP for (...)                   not unrolled: registers are short
//   launch(kernel, grid, block, bytes, stream, arguments...);
//   launch_in_phases<Threads, Resident>(phases, blocks, bytes, stream, f);   f.run(0) on all blocks, then f.run(1), ...
//   GRID_CONSTANT                    of a kernel's parameter: may be indexed without a copy of it
//
// Shared memory and launches written otherwise compile, but mean something else on the CPU; tests/cuda_text_test.py
// forbids them.
#ifdef __CUDACC__
#include <cooperative_groups.h>
#include <cuda_runtime.h>

#define SHARED(T, name, ...) __shared__ T name __VA_ARGS__
#define DYN_SHARED(T, name)                                        \
  extern __shared__ __align__(16) unsigned char snag_dyn_shared[]; \
  T* const name = reinterpret_cast<T*>(snag_dyn_shared)
#define UNROLL _Pragma("unroll")
#define LOOP _Pragma("unroll 1")
#define GRID_CONSTANT __grid_constant__
#else
#include "kernels/simt/device.h"
#include "kernels/simt/launch.h"

#define SHARED(T, name, ...)           \
  static const char name##_simt_key{}; \
  auto& name =                         \
      *static_cast<T(*) __VA_ARGS__>(::snag::simt::shared_array(&name##_simt_key, sizeof(T __VA_ARGS__), alignof(T)))
#define DYN_SHARED(T, name) T* const name = static_cast<T*>(::snag::simt::dynamic_shared())
#define UNROLL
#define LOOP
#define GRID_CONSTANT
#endif

#include <cstddef>
#include <map>
#include <mutex>
#include <utility>

#include "base/host_device.h"
#include "kernels/cuda/check.h"

namespace snag {

HD constexpr int ceil_div(int a, int b) { return (a + b - 1) / b; }

// A stream, and the line that named it, so that a launch that fails is reported where it was written.
struct LaunchStream {
  cudaStream_t stream;
  std::source_location where;
  LaunchStream(cudaStream_t s, std::source_location w = std::source_location::current())  // NOLINT: converts
      : stream(s), where(w) {}
};

// More than 48 KB of shared memory must be allowed, kernel by kernel. What is not dynamic counts, too: 8 KB at most.
inline void allow_shared(const void* kernel, std::size_t bytes, std::source_location where) {
  if (bytes <= 40 * 1024) return;
  static std::mutex mutex;
  static std::map<const void*, std::size_t> allowed;
  const std::lock_guard lock(mutex);
  if (allowed[kernel] >= bytes) return;
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)), where);
  allowed[kernel] = bytes;
}

// Queues kernel(arguments...) on the stream with `bytes` of dynamic shared memory per block. Throws Error{Exit::device}
// where the launch is refused; what goes wrong in the kernel is reported by a later call. An empty grid is refused too.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t bytes, LaunchStream on,
            Arguments&&... arguments) {
  allow_shared(reinterpret_cast<const void*>(kernel), bytes, on.where);
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = bytes;
  config.stream = on.stream;
#ifdef __CUDACC__
  check(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(std::forward<Arguments>(arguments))...), on.where);
#else
  check(simt::launch(config, kernel, static_cast<Parameters>(std::forward<Arguments>(arguments))...), on.where);
#endif
}

// ---- many phases in one launch: all blocks end phase p before any begins p + 1, and see what it wrote
//
// What a block does, with all its threads:
//   fetch(p)    copies to shared memory what phase p needs and no phase writes, while other blocks are still in p - 1
//   run(p)
// f is a parameter of the kernel: at most 4 KB of constant memory.

#ifdef __CUDACC__
template <class F, int Threads, int Resident>
__global__ void __launch_bounds__(Threads, Resident) in_phases(const GRID_CONSTANT F f, int phases) {
  for (int p = 0; p < phases; ++p) {
    if (p == 0) {
      f.fetch(p);
      __syncthreads();
    } else {
      const auto all = cooperative_groups::this_grid();
      auto arrived = all.barrier_arrive();
      f.fetch(p);
      all.barrier_wait(std::move(arrived));
    }
    f.run(p);
  }
}
#endif

// Blocks that wait for one another must all be resident: at most as many as the device holds.
template <int Threads, int Resident, class F>
void launch_in_phases(int phases, int blocks, std::size_t bytes, LaunchStream on, F f) {
  cudaLaunchAttribute together{};
  together.id = cudaLaunchAttributeCooperative;
  together.val.cooperative = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(Threads);
  config.dynamicSmemBytes = bytes;
  config.stream = on.stream;
  config.attrs = &together;
  config.numAttrs = phases > 1;
#ifdef __CUDACC__
  allow_shared(reinterpret_cast<const void*>(in_phases<F, Threads, Resident>), bytes, on.where);
  check(cudaLaunchKernelEx(&config, in_phases<F, Threads, Resident>, f, phases), on.where);
#else
  const auto phase = [f](int p) {
    f.fetch(p);
    __syncthreads();
    f.run(p);
  };
  check(simt::enqueue_phases(config, phases, phase), on.where);
#endif
}

// How many blocks of it the device holds at once.
template <int Threads, int Resident, class F>
int resident_blocks(int multiprocessors, std::size_t bytes) {
#ifdef __CUDACC__
  int each = 0;
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, in_phases<F, Threads, Resident>, Threads, bytes));
  return each * multiprocessors;
#else
  static_cast<void>(bytes);
  return Resident * multiprocessors;
#endif
}

}  // namespace snag
