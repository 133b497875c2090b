#include "kernels/optim.h"

#include "kernels/cuda/adam.cuh"
#include "kernels/cuda/portable.cuh"

namespace snag {

// As many blocks as run at once.
void launch(Cuda& cuda, const Adam& k) {
  if (!aligned(k.w.data, k.average.data, k.m.data, k.v.data)) return launch_portable(cuda, k);
  run(cuda, AdamStep{.k = k, .grid = {std::min(ceil_div(k.size(), 4 * kAdamBlock), 8 * cuda.multiprocessors)}});
}

}  // namespace snag
