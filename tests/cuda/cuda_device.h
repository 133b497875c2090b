#pragma once
#include <functional>
#include <memory>

#include "kernels/backend.h"

namespace snag {

inline std::unique_ptr<Backend> cuda(CudaOptions options) {
  if (options.arena_bytes == 0) options.arena_bytes = std::size_t{64} << 20;
  return make_cuda_backend(options);
}

// Calls f once for each way in which simt can run threads and fill shared memory (simt_schedules.cpp); on a GPU twice
// (gpu_schedules.cpp), with a sanitizer once.
void each_schedule(const std::function<void()>& f);

}  // namespace snag
