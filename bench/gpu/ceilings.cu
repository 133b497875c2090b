#include <algorithm>

#include "bench/gpu/peers.h"
#include "kernels/cuda/handles.h"
#include "kernels/cuda/launch.cuh"

namespace snag::gpu {
namespace {

__global__ void __launch_bounds__(32) nothing() {}

constexpr int kCopyBlock = 256, kCopyEach = 4;  // threads; float4 of each, so many on their way at once
__global__ void __launch_bounds__(kCopyBlock) copy(float4* to, const float4* from) {
  const std::size_t first = std::size_t{blockIdx.x} * kCopyBlock * kCopyEach + threadIdx.x;
  float4 x[kCopyEach];
  UNROLL
  for (int i = 0; i < kCopyEach; ++i) x[i] = from[first + std::size_t(i) * kCopyBlock];
  UNROLL
  for (int i = 0; i < kCopyEach; ++i) to[first + std::size_t(i) * kCopyBlock] = x[i];
}

}  // namespace

// By the driver's copy or a kernel, whichever is faster: in a graph the former may be the copy engine's.
double copy_bandwidth(const Stream& stream) {
  constexpr std::size_t of_block = sizeof(float4) * kCopyBlock * kCopyEach;
  const std::size_t blocks = std::min(std::size_t{1} << 30, cuda_memory().free / 4) / of_block;  // many times any L2
  const std::size_t bytes = blocks * of_block;
  const DeviceMemory from = device_memory(bytes), to = device_memory(bytes);
  check(cudaMemset(from.get(), 1, bytes));
  constexpr int repeats = 4;
  const auto by_driver = [&] {
    check(cudaMemcpyAsync(to.get(), from.get(), bytes, cudaMemcpyDeviceToDevice, stream.get()));
  };
  const auto by_kernel = [&] {
    launch(copy, dim3(static_cast<unsigned>(blocks)), dim3(kCopyBlock), 0, stream.get(), static_cast<float4*>(to.get()),
           static_cast<const float4*>(from.get()));
  };
  const Contender driver{"driver", stream.record(by_driver, repeats), repeats},
      kernel{"kernel", stream.record(by_kernel, repeats), repeats};
  const std::vector<double> us = microseconds({&driver, &kernel}, 5);
  return 2.0 * static_cast<double>(bytes) / std::min(us[0], us[1]) * 1e6;
}

double empty_kernel(const Stream& stream) {
  constexpr int repeats = 1000;
  const Contender empty{"empty", stream.record([&] { launch(nothing, dim3(1), dim3(32), 0, stream.get()); }, repeats),
                        repeats};
  return microseconds({&empty}, 11)[0];
}

}  // namespace snag::gpu
