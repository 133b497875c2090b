// Stand-in for the CUDA runtime: device memory is the process's own, one heap allocation per cudaMalloc.
#include <cstdlib>
#include <cstring>
#include <map>

#include "kernels/simt/runtime.h"
#include "kernels/simt/simt.h"

namespace snag::simt {
namespace {

constexpr std::size_t kAlignment = 256;  // of cudaMalloc

using Allocations = std::map<const char*, std::size_t>;  // start -> bytes
Allocations device, host;
std::size_t used = 0;

bool inside(const Allocations& live, const void* memory, std::size_t bytes) {
  const auto* start = static_cast<const char*>(memory);
  auto found = live.upper_bound(start);
  if (found == live.begin()) return false;
  --found;
  const auto offset = static_cast<std::size_t>(start - found->first);
  return offset < found->second && bytes <= found->second - offset;
}

void* allocate(Allocations& live, std::size_t bytes) {
  void* memory = nullptr;
  if (posix_memalign(&memory, kAlignment, bytes) != 0) return nullptr;
  live[static_cast<const char*>(memory)] = bytes;
  return memory;
}

cudaError_t release(Allocations& live, void* memory) {
  if (const cudaError_t error = refuse_while_capturing()) return error;
  if (!memory) return cudaSuccess;
  const auto found = live.find(static_cast<const char*>(memory));
  if (found == live.end()) return fail(cudaErrorInvalidValue);
  if (&live == &device) used -= found->second;
  live.erase(found);
  std::free(memory);
  return device_state();
}

bool right_direction(const void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  const bool to_device = on_device(to, bytes), from_device = on_device(from, bytes);
  switch (kind) {
    case cudaMemcpyHostToHost:
      return !on_device(to, 0) && !on_device(from, 0);
    case cudaMemcpyHostToDevice:
      return to_device && !on_device(from, 0);
    case cudaMemcpyDeviceToHost:
      return from_device && !on_device(to, 0);
    case cudaMemcpyDeviceToDevice:
      return to_device && from_device;
    case cudaMemcpyDefault:
      return (to_device || !on_device(to, 0)) && (from_device || !on_device(from, 0));
  }
  return false;
}

}  // namespace

bool on_device(const void* memory, std::size_t bytes) { return inside(device, memory, bytes); }
bool pinned(const void* memory, std::size_t bytes) { return inside(host, memory, bytes); }

}  // namespace snag::simt

using namespace snag::simt;  // the functions below have C linkage and global names

extern "C" {

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  if (const cudaError_t error = refuse_while_capturing()) return error;
  *memory = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (bytes > options().device_bytes - used) return fail(cudaErrorMemoryAllocation);
  *memory = allocate(device, bytes);
  if (!*memory) return fail(cudaErrorMemoryAllocation);
  used += bytes;
  std::memset(*memory, 0xFF, bytes);  // NaN: nothing may rely on what new memory holds
  return cudaSuccess;
}
cudaError_t cudaFree(void* memory) { return release(device, memory); }

cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  if (const cudaError_t error = refuse_while_capturing()) return error;
  *memory = allocate(host, bytes);
  return *memory ? cudaSuccess : fail(cudaErrorMemoryAllocation);
}
cudaError_t cudaFreeHost(void* memory) { return release(host, memory); }

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *total = options().device_bytes;
  *free = *total - used;
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  if (!right_direction(to, from, bytes, kind)) return fail(cudaErrorInvalidValue);
  const auto replayable = [=](const void* memory) { return on_device(memory, bytes) || pinned(memory, bytes); };
  if (capturing(stream) && !(replayable(to) && replayable(from)))
    if (const cudaError_t error = refuse_while_capturing()) return error;
  return enqueue(stream, [=] { std::memmove(to, from, bytes); });
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  if (const cudaError_t error = refuse_while_capturing()) return error;
  if (const cudaError_t error = device_state()) return error;
  return cudaMemcpyAsync(to, from, bytes, kind, nullptr);
}

cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  if (!on_device(memory, bytes)) return fail(cudaErrorInvalidValue);
  return enqueue(stream, [=] { std::memset(memory, value, bytes); });
}
cudaError_t cudaMemset(void* memory, int value, std::size_t bytes) {
  if (const cudaError_t error = refuse_while_capturing()) return error;
  return cudaMemsetAsync(memory, value, bytes, nullptr);
}

}  // extern "C"
