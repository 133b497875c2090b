#pragma once
#include <cuda_runtime_api.h>

#include <source_location>
#include <string>

#include "base/error.h"

namespace snag {

// Throws Error{Exit::device}: what failed and why, the line that asked for it, and what to do.
[[noreturn]] inline void device_failure(const std::string& what, const char* hint, std::source_location where) {
  throw Error(Exit::device, what + ", at " + where.file_name() + ":" + std::to_string(where.line()) + "; " + hint);
}

inline const char* hint_for(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return "use a smaller batch or network, or free the GPU's memory (nvidia-smi shows who holds it)";
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
      return "install an NVIDIA driver at least as new as the toolkit (nvidia-smi shows it), or use --device cpu";
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorUnsupportedPtxVersion:
      return "this build has no code for this GPU: set CMAKE_CUDA_ARCHITECTURES and build again, or use --device cpu";
    case cudaErrorInvalidConfiguration:
    case cudaErrorLaunchOutOfResources:
      return "the launch asks for more threads, registers or shared memory than a block can have";
    case cudaErrorIllegalAddress:
    case cudaErrorMisalignedAddress:
    case cudaErrorLaunchFailure:
      return "a kernel failed: run under compute-sanitizer to see which, and restart the process";
    case cudaErrorStreamCaptureUnsupported:
    case cudaErrorStreamCaptureInvalidated:
      return "a recorded step may only launch kernels, copy on the device and call cuBLAS";
    default:
      return "set CUDA_LAUNCH_BLOCKING=1 to see which call failed";
  }
}

// Throws Error{Exit::device} unless the call succeeded.
inline void check(cudaError_t error, std::source_location where = std::source_location::current()) {
  if (error == cudaSuccess) return;
  device_failure(std::string(cudaGetErrorName(error)) + " (" + cudaGetErrorString(error) + ")", hint_for(error), where);
}

}  // namespace snag
