#pragma once
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/launch.cuh"

namespace snag {

constexpr int kPortableBlock = 256;

template <class K>
__global__ void __launch_bounds__(kPortableBlock) portable(K kernel) {
  const int i = static_cast<int>(blockIdx.x * kPortableBlock + threadIdx.x);
  if (i < kernel.size()) kernel(i);
}

// The portable form of any kernel, one thread an element.
template <class K>
void launch_portable(const Cuda& cuda, const K& kernel) {
  const auto size = static_cast<unsigned>(kernel.size());
  if (size > 0)
    launch(portable<K>, dim3((size + kPortableBlock - 1) / kPortableBlock), dim3(kPortableBlock), 0, cuda.stream,
           kernel);
}

}  // namespace snag
