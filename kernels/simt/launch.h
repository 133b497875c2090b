#pragma once
#include <cuda_runtime.h>

#include <cstddef>
#include <functional>
#include <type_traits>

#include "kernels/simt/simt.h"

namespace snag::simt {

// Reports an argument that is a host address, or that has one among its members: a GPU could not follow it.
void check_pointer(const void* argument);
void check_members(const void* argument, std::size_t bytes);
template <class T>
void check_argument(const T& argument) {
  if constexpr (std::is_pointer_v<T>) {
    check_pointer(argument);
  } else if constexpr (sizeof(T) >= sizeof(void*) && alignof(T) >= alignof(void*)) {
    T copy = argument;
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
    __builtin_clear_padding(&copy);  // where anything may stand
#endif
#endif
    check_members(&copy, sizeof copy);
  }
}

cudaError_t enqueue_kernel(const cudaLaunchConfig_t& config, const void* kernel, std::function<void()> body);

// What cudaLaunchKernelEx does. Arguments are copied, as the launch may be stored in a graph.
template <class... Parameters>
cudaError_t launch(const cudaLaunchConfig_t& config, void (*kernel)(Parameters...),
                   std::type_identity_t<Parameters>... arguments) {
  (check_argument(arguments), ...);
  return enqueue_kernel(config, reinterpret_cast<const void*>(kernel), [=] { kernel(arguments...); });
}

// Runs body(0) on the whole grid, then body(1), and so on: what a kernel does that waits for its whole grid between
// phases. Each is a grid: nothing is left in shared memory for the next.
cudaError_t enqueue_phases(const cudaLaunchConfig_t& config, int phases, std::function<void(int)> body);

}  // namespace snag::simt
