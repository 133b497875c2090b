#include "kernels/augment.h"

#include <algorithm>

#include "kernels/cuda/cuda.h"
#include "kernels/cuda/launch.cuh"

namespace snag {
namespace {

constexpr int kBlock = 256;

// One block: a part of one image. Each thread draws the pose: cheaper than a barrier.
__global__ void __launch_bounds__(kBlock) gather(GatherBatch k) {
  const int n = static_cast<int>(blockIdx.x);
  const Pose p = k.pose(n);
  const std::uint8_t* const image = k.image(n);
  const int size = k.x.shape.image(), w = k.x.shape.w, c = k.x.shape.c;
  float* const x = k.x.data + n * size;
  for (int i = static_cast<int>(blockIdx.y * kBlock + threadIdx.x); i < size; i += static_cast<int>(gridDim.y) * kBlock)
    x[i] = p.pixel(image, k.images.side, c, i % c, i / (w * c), i / c % w);
}

}  // namespace

void launch(Cuda& cuda, const GatherBatch& k) {
  if (k.size() == 0) return;
  // Four values a thread: enough to be worth the draw.
  const int parts = std::min(ceil_div(k.x.shape.image(), 4 * kBlock), 1024);
  launch(gather, dim3(static_cast<unsigned>(k.x.shape.n), static_cast<unsigned>(parts)), dim3(kBlock), 0, cuda.stream,
         k);
}

}  // namespace snag
