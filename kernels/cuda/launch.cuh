#pragma once
// One vocabulary, two compilers. nvcc makes GPU code of a .cu file; g++ -x c++ makes code that runs each CUDA thread of
// the same file as a fiber on the CPU (kernels/simt), where sanitizers see what it does.
//
//   SHARED(float, tile, [32][33]);   the block's shared memory, not initialised
//   DYN_SHARED(float, buffer);       float* to the `bytes` of the launch, 16-byte aligned
//   UNROLL for (...)                 unrolled on the GPU
//   LOOP for (...)                   not unrolled: registers are short
//   launch(kernel, grid, block, bytes, stream, arguments...);
//   GRID_CONSTANT                    of a kernel's parameter: may be indexed without a copy of it
//
// Shared memory and launches written otherwise compile, but mean something else on the CPU; tests/cuda_text_test.py
// forbids them.
#ifdef __CUDACC__
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

}  // namespace snag
