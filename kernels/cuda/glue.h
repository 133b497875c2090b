#pragma once
#include <memory>
#include <span>
#include <vector>

#include "kernels/cuda/cuda.h"
#include "kernels/cuda/handles.h"

namespace snag {

// A launch that runs many small works in phases (kernels/schedule/schedule.h says which share one): on all blocks the
// works of phase 0, then, when all have ended, those of phase 1, and so on.
class GlueLaunch {
 public:
  using Phases = std::vector<std::vector<const Prepared*>>;
  // Copies the works to the device. A phase that needs more scratch memory than there is becomes several.
  GlueLaunch(const Cuda&, const Phases&);
  void run(const Cuda&) const;
  int phases() const { return phase_count_; }

 private:
  DeviceMemory works_, firsts_;
  int phase_count_, blocks_;
  std::size_t after_, shared_;
};

// Does the work run in a launch of glue? One of more blocks than such a launch holds at once is bound by memory and
// wants more threads on a multiprocessor than glue has registers for: it is launched as a product is.
bool is_glue(const Cuda&, const Prepared&);

}  // namespace snag
