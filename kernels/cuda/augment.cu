#include "kernels/augment.h"

#include "kernels/cuda/gather.cuh"

namespace snag {

// Four values a thread: enough to be worth the draw.
void launch(Cuda& cuda, const GatherBatch& k) {
  const int parts = std::min(ceil_div(k.x.shape.image(), 4 * kGatherBlock), 1024);
  run(cuda, GatherImages{.k = k, .grid = {k.x.shape.n, parts}});
}

}  // namespace snag
