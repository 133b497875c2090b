#pragma once
#include <vector>

#include "kernels/cuda/cuda.h"

namespace snag {

using Phases = std::vector<std::vector<const Prepared*>>;

// Launches many small works in phases (kernels/schedule/schedule.h says which share a launch): on all blocks the works
// of phase 0, then, when all have ended, those of phase 1, and so on. A phase that needs more scratch memory than there
// is becomes several; what does not fit into the parameters of one kernel gets another. Returns how often the blocks of
// a launch wait for one another: phases less launches.
int launch_glue(const Cuda&, const Phases&);

// Does the work run in a launch of glue? One of more blocks than such a launch holds at once is bound by memory and
// wants more threads on a multiprocessor than glue has registers for: it is launched as a product is.
bool is_glue(const Cuda&, const Prepared&);

}  // namespace snag
