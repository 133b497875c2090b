#include "kernels/augment.h"

#include "kernels/cuda/gather.cuh"

namespace snag {

// Four values a thread, enough to be worth the draw, or fewer where that leaves multiprocessors idle.
void launch(Cuda& cuda, const GatherBatch& k) {
  const int images = k.x.shape.n, size = k.x.shape.image(), most = std::min(ceil_div(size, kGatherBlock), 1024);
  const int parts = std::clamp(2 * cuda.multiprocessors / images, ceil_div(most, 4), most);
  run(cuda, GatherImages{.k = k, .grid = {images, parts}});
}

}  // namespace snag
