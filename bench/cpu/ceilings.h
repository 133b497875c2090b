#pragma once
#include "kernels/cpu/thread_pool.h"

namespace snag::bench {

// What the machine can do at most with these threads.
struct Ceilings {
  double fma = 0;         // floating-point operations a second of independent multiply-adds, all threads at once
  double fma_thread = 0;  // of one thread that has the machine to itself
  double copy = 0;        // bytes a second of a copy between arrays larger than the caches, read and written counted
};

// The best of some short measurements: about half a second.
Ceilings measured_ceilings(ThreadPool&);

}  // namespace snag::bench
