// Shared memory: one heap allocation per array, so that ASan sees its ends. Arrays are filled when a block first names
// them.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <unordered_map>

#include "kernels/simt/block.h"
#include "kernels/simt/device.h"
#include "kernels/simt/sanitizer.h"

namespace snag::simt {
namespace {

constexpr std::size_t kBlockLimit = 227 * 1024;

struct Free {
  void operator()(void* p) const { std::free(p); }
};
struct Array {
  std::unique_ptr<void, Free> memory;
  std::size_t bytes = 0;
  bool filled = false;  // in this block
};
std::unordered_map<const void*, Array> arrays;  // by the address of a constant beside the declaration
Array dynamic;
std::size_t in_use = 0;  // by this block

void allocate(Array& array, std::size_t bytes, std::size_t align) {
  void* memory = nullptr;
  if (posix_memalign(&memory, std::max<std::size_t>(align, 16), bytes) != 0) throw std::bad_alloc();
  array.memory.reset(memory);
  array.bytes = bytes;
}

void fill(Array& array) {
  std::memset(array.memory.get(), options().fill, array.bytes);
  array.filled = true;
  in_use += array.bytes;
}

}  // namespace

void* shared_array(const void* key, std::size_t bytes, std::size_t align) {
  const tsan::Unwatched scope;
  Array& array = arrays[key];
  if (!array.memory) allocate(array, bytes, align);
  if (!array.filled) {
    fill(array);
    if (in_use > kBlockLimit) report("a block uses more than 227 KB of shared memory");
  }
  return array.memory.get();
}

void* dynamic_shared() { return dynamic.memory.get(); }

void forget_shared_memory(std::size_t dynamic_bytes) {
  in_use = 0;
  // New memory, so that ThreadSanitizer does not compare this block's accesses with the last one's.
  if (tsan::on) arrays.clear();
  for (auto& [key, array] : arrays) array.filled = false;
  if (tsan::on || dynamic.bytes != dynamic_bytes) dynamic = {};
  if (dynamic_bytes == 0) return;
  if (!dynamic.memory) allocate(dynamic, dynamic_bytes, 16);
  fill(dynamic);
}

}  // namespace snag::simt
