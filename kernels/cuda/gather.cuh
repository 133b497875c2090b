#pragma once
#include "kernels/cuda/work.cuh"

namespace snag {

constexpr int kGatherBlock = 256;

// One block: a part of one image. Each thread draws the pose: cheaper than a barrier.
struct GatherImages {
  static constexpr int threads = kGatherBlock, resident = 1;
  GatherBatch k;
  Grid grid;  // images, parts of an image
  __device__ void run(Place at) const {
    const int n = at.x;
    const std::uint8_t* const image = k.image(n);  // a read that waits for a read: on its way during the draw
    const Pose p = k.pose(n);
    const int size = k.x.shape.image(), w = k.x.shape.w, c = k.x.shape.c;
    float* const x = k.x.data + n * size;
    for (int i = at.y * kGatherBlock + static_cast<int>(threadIdx.x); i < size; i += grid.y * kGatherBlock)
      x[i] = p.pixel(image, k.images.side, c, i % c, i / (w * c), i / c % w);
  }
};

}  // namespace snag
