#pragma once
// CUDA's device language for the host compiler: what kernels may use beyond C++. A name that is missing here is a
// compile error, not a different meaning.
#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

#include "kernels/simt/simt.h"
#include "kernels/simt/warp.h"

#undef __global__
#undef __device__
#undef __host__
#undef __shared__
#undef __launch_bounds__
#define __global__
#define __device__
#define __host__
#define __shared__ declare_shared_memory_with_the_macro_SHARED
#define __launch_bounds__(...)

#include "kernels/simt/atomics.h"
#include "kernels/simt/math.h"

inline uint3 threadIdx, blockIdx;  // of the thread that runs: the scheduler sets them at every switch
inline dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

namespace snag::simt {

// The array that a SHARED declares, in this block; `key` tells declarations apart.
void* shared_array(const void* key, std::size_t bytes, std::size_t align);
void* dynamic_shared();
int sync_block(bool vote, const Where&);  // number of threads that voted
void fence();
inline int block_size() { return static_cast<int>(blockDim.x * blockDim.y * blockDim.z); }

template <class T>
T shuffle(unsigned mask, T value, unsigned source, Operation operation, const Where& where) {
  const Exchange<T> e = exchange(mask, value, operation, where);
  if (!(e.lanes >> source & 1u)) report("shuffle from lane " + std::to_string(source) + ", which takes no part", where);
  return e.values[source];
}

}  // namespace snag::simt

// Barriers. They order accesses to memory among the threads that meet.
inline void __syncthreads(const snag::simt::Where& where = snag::simt::Where::current()) {
  snag::simt::sync_block(false, where);
}
inline int __syncthreads_count(int vote, const snag::simt::Where& where = snag::simt::Where::current()) {
  return snag::simt::sync_block(vote != 0, where);
}
inline int __syncthreads_and(int vote, const snag::simt::Where& where = snag::simt::Where::current()) {
  return snag::simt::sync_block(vote != 0, where) == snag::simt::block_size();
}
inline int __syncthreads_or(int vote, const snag::simt::Where& where = snag::simt::Where::current()) {
  return snag::simt::sync_block(vote != 0, where) != 0;
}
inline void __syncwarp(unsigned mask = 0xffffffffu, const snag::simt::Where& where = snag::simt::Where::current()) {
  snag::simt::exchange(mask, 0, snag::simt::Operation::sync, where);
}
inline void __threadfence() { snag::simt::fence(); }
inline void __threadfence_block() { snag::simt::fence(); }

// Votes and shuffles. They order nothing in memory.
inline unsigned __activemask() { return snag::simt::active_mask(); }
inline unsigned __ballot_sync(unsigned mask, int vote, const snag::simt::Where& where = snag::simt::Where::current()) {
  const auto votes = snag::simt::exchange(mask, vote, snag::simt::Operation::ballot, where);
  unsigned result = 0;
  for (unsigned i = 0; i < 32; ++i)
    if (votes.lanes >> i & 1u && votes.values[i] != 0) result |= 1u << i;
  return result;
}
inline int __any_sync(unsigned mask, int vote, const snag::simt::Where& where = snag::simt::Where::current()) {
  return __ballot_sync(mask, vote, where) != 0;
}
inline int __all_sync(unsigned mask, int vote, const snag::simt::Where& where = snag::simt::Where::current()) {
  return __ballot_sync(mask, !vote, where) == 0;
}
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              const snag::simt::Where& where = snag::simt::Where::current()) {
  const unsigned w = static_cast<unsigned>(width), first = snag::simt::lane() & ~(w - 1);
  return snag::simt::shuffle(mask, value, first | (static_cast<unsigned>(source) & (w - 1)),
                             snag::simt::Operation::shuffle, where);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32,
                  const snag::simt::Where& where = snag::simt::Where::current()) {
  const unsigned me = snag::simt::lane(), source = me ^ static_cast<unsigned>(lanes);
  const unsigned last = me | (static_cast<unsigned>(width) - 1);
  return snag::simt::shuffle(mask, value, source <= last ? source : me, snag::simt::Operation::shuffle_xor, where);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned lanes, int width = 32,
                   const snag::simt::Where& where = snag::simt::Where::current()) {
  const unsigned me = snag::simt::lane(), source = me + lanes;
  const unsigned last = me | (static_cast<unsigned>(width) - 1);
  return snag::simt::shuffle(mask, value, source <= last ? source : me, snag::simt::Operation::shuffle_down, where);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned lanes, int width = 32,
                 const snag::simt::Where& where = snag::simt::Where::current()) {
  const unsigned me = snag::simt::lane(), first = me & ~(static_cast<unsigned>(width) - 1);
  return snag::simt::shuffle(mask, value, me >= first + lanes ? me - lanes : me, snag::simt::Operation::shuffle_up,
                             where);
}
