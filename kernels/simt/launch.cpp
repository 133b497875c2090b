#include "kernels/simt/launch.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "kernels/simt/block.h"
#include "kernels/simt/runtime.h"
#include "kernels/simt/sanitizer.h"

namespace snag::simt {
namespace {

bool valid(dim3 grid, dim3 block) {
  const bool some = grid.x && grid.y && grid.z && block.x && block.y && block.z;
  return some && block.x <= 1024 && block.y <= 1024 && block.z <= 64 && block.x * block.y * block.z <= 1024 &&
         grid.x <= 0x7fffffffu && grid.y <= 65535 && grid.z <= 65535;
}

// Whether the process has memory there.
bool mapped(std::uintptr_t address) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  unsigned char resident;
  return mincore(reinterpret_cast<void*>(address / page * page), 1, &resident) == 0;
}

// The end of an allocation too: an empty tensor may lie there.
bool may_pass(const void* pointer) {
  return on_device(pointer, 0) || on_device(static_cast<const char*>(pointer) - 1, 0);
}

}  // namespace

void check_pointer(const void* argument) {
  if (argument && !may_pass(argument)) report("a kernel argument is not a device address");
}

void check_members(const void* argument, std::size_t bytes) {
  for (std::size_t i = 0; i + sizeof(void*) <= bytes; i += sizeof(void*)) {
    const void* word = nullptr;
    std::memcpy(&word, static_cast<const char*>(argument) + i, sizeof word);
    const auto address = reinterpret_cast<std::uintptr_t>(word);
    if (address < kLowestAddress || address >> 47) continue;  // no address of a process
    if ((address & 0xffffffff) < 1u << 16) continue;          // two integers, as in a shape
    if (!may_pass(word) && mapped(address))
      report("a kernel argument holds a host address, at byte " + std::to_string(i));
  }
}

cudaError_t enqueue_kernel(const cudaLaunchConfig_t& config, const void* kernel, std::function<void()> body) {
  const dim3 grid = config.gridDim, block = config.blockDim;
  const std::size_t bytes = config.dynamicSmemBytes;
  if (!valid(grid, block)) return fail(cudaErrorInvalidConfiguration);
  if (bytes > allowed_dynamic_bytes(kernel)) return fail(cudaErrorInvalidValue);
  return enqueue(config.stream, [=, body = std::move(body)] { run(grid, block, bytes, body); });
}

}  // namespace snag::simt
