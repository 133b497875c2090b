#pragma once
#include "kernels/cuda/launch.cuh"

namespace snag {

// Blocks that share a result write partial results to memory, then call this with all their threads. True in the block
// that comes last, which sees what all wrote and adds it in an order of its own: the sum has the same bits in every
// run, whichever block it is. `ticket` is zero before and after.
__device__ inline bool last_block(unsigned* ticket, unsigned blocks) {
  SHARED(bool, last, [1]);
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    last[0] = atomicInc(ticket, blocks - 1) == blocks - 1;
    __threadfence();
  }
  __syncthreads();
  return last[0];
}

}  // namespace snag
