#include "kernels/simt/async_copy.h"

#include "kernels/simt/block.h"
#include "kernels/simt/sanitizer.h"

namespace snag::simt {

void queue_copy(void* to, const void* from, unsigned bytes) {
  const tsan::Unwatched scope;
  Thread& thread = self();
  thread.copies.push_back({.to = to, .from = from, .bytes = bytes, .group = thread.group});
}

void close_copy_group() { ++self().group; }

bool take_copy(unsigned keep, void*& to, const void*& from, unsigned& bytes) {
  Thread& thread = self();
  if (thread.copied == thread.copies.size()) {
    thread.copies.clear();
    thread.copied = 0;
    return false;
  }
  const PendingCopy& oldest = thread.copies[thread.copied];
  if (oldest.group + keep >= thread.group) return false;
  to = oldest.to;
  from = oldest.from;
  bytes = oldest.bytes;
  ++thread.copied;
  return true;
}

std::vector<PendingProduct>& products_of_thread() { return self().products; }
unsigned& product_group_of_thread() { return self().product_group; }
unsigned thread_in_warpgroup() { return rank(self()) % 128; }

}  // namespace snag::simt
