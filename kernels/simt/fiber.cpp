#include "kernels/simt/fiber.h"

#include <sys/mman.h>

#include <new>

#include "kernels/simt/sanitizer.h"

namespace snag::simt {
namespace {

namespace context = boost::context::detail;

constexpr std::size_t kGuard = 4096;  // a page that faults where a kernel's stack overflows
constexpr std::size_t kStack = 256 * 1024;

struct Host {
  context::fcontext_t context = nullptr;
  const void* bottom = nullptr;  // its stack, for ASan
  std::size_t size = 0;
  void* tsan = nullptr;
};
Host host;
Fiber* current = nullptr;

char* map_stack() {
  void* memory =
      mmap(nullptr, kGuard + kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mprotect(memory, kGuard, PROT_NONE);
  return static_cast<char*>(memory);
}

}  // namespace

Fiber::Fiber(void (*work)()) : work_(work), context_(nullptr), stack_(map_stack()), tsan_(tsan::create()) {
  // Tops at different offsets: stacks of one alignment would all fall into the same few sets of the caches.
  static std::size_t count = 0;
  const std::size_t stagger = count++ * 17 % 256 * 64;
  context_ = context::make_fcontext(stack_ + kGuard + kStack - stagger, kStack - stagger, enter);
}

Fiber::~Fiber() { munmap(stack_, kGuard + kStack); }

Fiber* Fiber::running() { return current; }

void Fiber::host_is_here() { host.tsan = tsan::current(); }

void Fiber::enter(context::transfer_t from) {
  host.context = from.fctx;
  asan::enter(nullptr, &host.bottom, &host.size);
  Fiber& self = *current;
  for (;;) {
    self.idle_ = false;
    self.work_();
    self.idle_ = true;
    suspend();
  }
}

void Fiber::resume() {
  current = this;
  void* fake_stack = nullptr;
  asan::leave(&fake_stack, stack_ + kGuard, kStack);
  tsan::switch_to(tsan_);
  context_ = context::jump_fcontext(context_, nullptr).fctx;
  asan::enter(fake_stack, nullptr, nullptr);
  current = nullptr;
}

void Fiber::suspend() {
  Fiber& self = *current;
  asan::leave(&self.fake_stack_, host.bottom, host.size);
  tsan::switch_to(host.tsan);
  host.context = context::jump_fcontext(host.context, nullptr).fctx;
  asan::enter(self.fake_stack_, &host.bottom, &host.size);
}

}  // namespace snag::simt
