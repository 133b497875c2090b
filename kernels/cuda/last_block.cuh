#pragma once
#include "kernels/cuda/launch.cuh"

namespace snag {

// Counts from 0 to most, then begins again; returns the count before. What the caller saw written before is seen by all
// that come later. In the GPU's own words, as fences beside an atomic must order more and take longer.
__device__ inline unsigned count_up(unsigned* count, unsigned most) {
#ifdef __CUDACC__
  unsigned before;
  asm volatile("atom.acq_rel.gpu.global.inc.u32 %0, [%1], %2;" : "=r"(before) : "l"(count), "r"(most) : "memory");
#else
  __threadfence();
  const unsigned before = atomicInc(count, most);
  __threadfence();
#endif
  return before;
}

// Blocks that share a result write partial results to memory, then call this with all their threads. True in the block
// that comes last, which sees what all wrote and adds it in an order of its own: the sum has the same bits in every
// run, whichever block it is. `ticket` is zero before and after.
__device__ inline bool last_block(unsigned* ticket, unsigned blocks) {
  SHARED(bool, last, [1]);
  __syncthreads();
  if (threadIdx.x == 0) last[0] = count_up(ticket, blocks - 1) == blocks - 1;
  __syncthreads();
  return last[0];
}

}  // namespace snag
