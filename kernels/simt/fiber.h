#pragma once
#include <boost/context/detail/fcontext.hpp>
#include <cstddef>

namespace snag::simt {

// A stack of its own, on which the scheduler runs CUDA threads. Raw fcontext: a switch costs about 10 ns.
class Fiber {
 public:
  // `work` is called when an idle fiber is resumed; when it returns, the fiber is idle again.
  explicit Fiber(void (*work)());
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  void resume();          // from the host's stack; returns when the fiber suspends itself or is idle
  static void suspend();  // from a fiber; returns when it is resumed
  static Fiber* running();

  bool idle() const { return idle_; }
  void* tsan() const { return tsan_; }

  static void host_is_here();  // before the first resume of a launch: its thread may be another than last time

 private:
  static void enter(boost::context::detail::transfer_t from);

  void (*work_)();
  boost::context::detail::fcontext_t context_;
  char* stack_;
  void* fake_stack_ = nullptr;  // ASan's
  void* tsan_;
  bool idle_ = true;
};

}  // namespace snag::simt
