#include "base/error.h"
#include "kernels/backend.h"

namespace snag {

bool cuda_available() { return false; }

DeviceBytes cuda_memory() { return {}; }

std::unique_ptr<Backend> make_cuda_backend(const CudaOptions&) {
  throw Error(Exit::device, "--device cuda: this build has no CUDA backend; use --device cpu (or auto)");
}

}  // namespace snag
