// Stand-in for the CUDA runtime: one device, its properties, and errors.
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "kernels/simt/runtime.h"
#include "kernels/simt/simt.h"

namespace snag::simt {
namespace {

cudaError_t last_error = cudaSuccess;
std::map<const void*, std::size_t> dynamic_bytes;  // that kernels were allowed

struct Text {
  cudaError_t error;
  const char *name, *text;
};
#define SNAG_ERROR(error, text) \
  { error, #error, text }
constexpr Text kTexts[] = {
    SNAG_ERROR(cudaSuccess, "no error"),
    SNAG_ERROR(cudaErrorInvalidValue, "invalid argument"),
    SNAG_ERROR(cudaErrorMemoryAllocation, "out of memory"),
    SNAG_ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    SNAG_ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
    SNAG_ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    SNAG_ERROR(cudaErrorIllegalState, "the operation cannot be performed in the present state"),
    SNAG_ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
    SNAG_ERROR(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing"),
    SNAG_ERROR(cudaErrorStreamCaptureInvalidated, "operation failed due to a previous error during capture"),
    SNAG_ERROR(cudaErrorStreamCaptureImplicit, "operation would make the legacy stream depend on a capturing stream"),
    SNAG_ERROR(cudaErrorCapturedEvent, "operation not permitted on an event last recorded in a capturing stream"),
};
#undef SNAG_ERROR

const Text* find(cudaError_t error) {
  for (const Text& t : kTexts)
    if (t.error == error) return &t;
  return nullptr;
}

}  // namespace

cudaError_t fail(cudaError_t error) { return last_error = error; }

cudaError_t device_state() { return findings().empty() ? cudaSuccess : fail(cudaErrorLaunchFailure); }

std::size_t allowed_dynamic_bytes(const void* kernel) {
  const auto found = dynamic_bytes.find(kernel);
  return found == dynamic_bytes.end() ? 48 * 1024 : found->second;
}

}  // namespace snag::simt

using namespace snag::simt;  // the functions below have C linkage and global names

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : fail(cudaErrorInvalidDevice); }
cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) { return cudaDriverGetVersion(version); }

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (device != 0) return fail(cudaErrorInvalidDevice);
  static const std::map<cudaDeviceAttr, int> attributes = {
      {cudaDevAttrComputeCapabilityMajor, 9},
      {cudaDevAttrComputeCapabilityMinor, 0},
      {cudaDevAttrMultiProcessorCount, 132},
      {cudaDevAttrWarpSize, 32},
      {cudaDevAttrMaxThreadsPerBlock, 1024},
      {cudaDevAttrMaxThreadsPerMultiProcessor, 2048},
      {cudaDevAttrMaxRegistersPerBlock, 65536},
      {cudaDevAttrMaxSharedMemoryPerBlock, 48 * 1024},
      {cudaDevAttrMaxSharedMemoryPerBlockOptin, 227 * 1024},
      {cudaDevAttrMaxSharedMemoryPerMultiprocessor, 228 * 1024},
      {cudaDevAttrL2CacheSize, 50 << 20},
      {cudaDevAttrMaxGridDimX, 0x7fffffff},
      {cudaDevAttrMaxGridDimY, 65535},
      {cudaDevAttrMaxGridDimZ, 65535},
      {cudaDevAttrMaxBlockDimX, 1024},
      {cudaDevAttrMaxBlockDimY, 1024},
      {cudaDevAttrMaxBlockDimZ, 64},
  };
  const auto found = attributes.find(attribute);
  if (found == attributes.end()) return fail(cudaErrorInvalidValue);
  *value = found->second;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device != 0) return fail(cudaErrorInvalidDevice);
  *properties = {};
  std::strcpy(properties->name, "simt");
  properties->totalGlobalMem = options().device_bytes;
  properties->major = 9;
  properties->multiProcessorCount = 132;
  properties->warpSize = 32;
  properties->maxThreadsPerBlock = 1024;
  properties->maxThreadsPerMultiProcessor = 2048;
  properties->regsPerBlock = 65536;
  properties->sharedMemPerBlock = 48 * 1024;
  properties->sharedMemPerBlockOptin = 227 * 1024;
  properties->sharedMemPerMultiprocessor = 228 * 1024;
  properties->l2CacheSize = 50 << 20;
  properties->maxGridSize[0] = 0x7fffffff;
  properties->maxGridSize[1] = properties->maxGridSize[2] = 65535;
  properties->maxThreadsDim[0] = properties->maxThreadsDim[1] = 1024;
  properties->maxThreadsDim[2] = 64;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  if (value < 0 || static_cast<std::size_t>(value) > kMaxDynamicBytes) return fail(cudaErrorInvalidValue);
  dynamic_bytes[kernel] = static_cast<std::size_t>(value);
  return cudaSuccess;
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
  *attributes = {};
  attributes->maxThreadsPerBlock = 1024;
  attributes->maxDynamicSharedSizeBytes = static_cast<int>(allowed_dynamic_bytes(kernel));
  return cudaSuccess;
}

cudaError_t cudaPeekAtLastError() { return last_error; }
// A finding stays, as a kernel that failed does on a GPU.
cudaError_t cudaGetLastError() {
  const cudaError_t error = std::exchange(last_error, cudaSuccess);
  return error == cudaSuccess ? device_state() : error;
}

const char* cudaGetErrorName(cudaError_t error) {
  const Text* known = find(error);
  return known ? known->name : "unrecognized error code";
}
const char* cudaGetErrorString(cudaError_t error) {
  static std::string found;
  if (error == cudaErrorLaunchFailure && !findings().empty()) {
    found = "simt found";
    for (std::size_t i = 0; i < findings().size() && i < 3; ++i) found += ": " + findings()[i];
    return found.c_str();
  }
  const Text* known = find(error);
  return known ? known->text : "unrecognized error code";
}

}  // extern "C"
