#include <algorithm>

#include "bench/gpu/peers.h"
#include "kernels/cuda/handles.h"
#include "kernels/cuda/launch.cuh"

namespace snag::gpu {
namespace {

__global__ void __launch_bounds__(32) nothing() {}

}  // namespace

double copy_bandwidth(const Stream& stream) {
  const std::size_t bytes = std::min(std::size_t{1} << 30, cuda_memory().free / 4);  // many times any L2
  const DeviceMemory from = device_memory(bytes), to = device_memory(bytes);
  check(cudaMemset(from.get(), 1, bytes));
  constexpr int repeats = 4;
  const auto call = [&] {
    check(cudaMemcpyAsync(to.get(), from.get(), bytes, cudaMemcpyDeviceToDevice, stream.get()));
  };
  const Contender copy{"copy", stream.record(call, repeats), repeats};
  return 2.0 * static_cast<double>(bytes) / microseconds({&copy}, 5)[0] * 1e6;
}

double empty_kernel(const Stream& stream) {
  constexpr int repeats = 1000;
  const Contender empty{"empty", stream.record([&] { launch(nothing, dim3(1), dim3(32), 0, stream.get()); }, repeats),
                        repeats};
  return microseconds({&empty}, 11)[0];
}

}  // namespace snag::gpu
