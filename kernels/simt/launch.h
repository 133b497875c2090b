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

}  // namespace snag::simt
