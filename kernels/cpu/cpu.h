#pragma once
#include <cstddef>

#include "kernels/cpu/arena.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/kernels.h"

namespace snag {

// What a tuned kernel runs with: the threads, and memory that lasts for one kernel.
struct Cpu {
  ThreadPool pool;
  Arena memory;
};

// Memory of one kernel, given back at the end of the scope. Pages stay, so that a steady state takes none.
class Scratch {
 public:
  explicit Scratch(Arena& arena) : arena_(arena), mark_(arena.used()) {}
  ~Scratch() { arena_.rewind(mark_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  template <class T>
  T* take(std::size_t count) {
    return static_cast<T*>(arena_.alloc(count * sizeof(T)));
  }

 private:
  Arena& arena_;
  std::size_t mark_;
};

// The tuned kernels. A kernel without an overload here runs its portable form (loops.cpp).
void launch(Cpu&, const ConvDown&);
void launch(Cpu&, const ConvUp&);
void launch(Cpu&, const ConvWeight&);
void launch(Cpu&, const MatMul&);

}  // namespace snag
