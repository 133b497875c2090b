#pragma once
// What the CUDA runtime hands out, given back at the end of a scope.
#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <memory>
#include <type_traits>

#include "kernels/cuda/check.h"
#include "kernels/cuda/cublas.cuh"

namespace snag {

template <auto Destroy>
struct Destroyer {
  template <class T>
  void operator()(T* handle) const noexcept {
    (void)Destroy(handle);
  }
};
template <class T, auto Destroy>
using Handle = std::unique_ptr<std::remove_pointer_t<T>, Destroyer<Destroy>>;

using CudaStream = Handle<cudaStream_t, cudaStreamDestroy>;
using CudaGraph = Handle<cudaGraph_t, cudaGraphDestroy>;
using CudaGraphExec = Handle<cudaGraphExec_t, cudaGraphExecDestroy>;
using Cublas = Handle<cublasHandle_t, cublasDestroy>;

struct CudaFree {
  void operator()(void* memory) const noexcept { (void)cudaFree(memory); }
};
using DeviceMemory = std::unique_ptr<void, CudaFree>;

inline CudaStream make_stream() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return CudaStream(stream);
}

inline Cublas make_cublas() {
  cublasHandle_t handle = nullptr;
  check(cublasCreate(&handle));
  return Cublas(handle);
}

inline DeviceMemory device_memory(std::size_t bytes) {
  void* memory = nullptr;
  check(cudaMalloc(&memory, bytes));
  return DeviceMemory(memory);
}

}  // namespace snag
