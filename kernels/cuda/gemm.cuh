#pragma once
// One tile of a product d[m, n] = sum over k of a(m, k) b(k, n) per block, where a and b are fetched by a Problem from
// wherever they lie (an image's window, weights), in a pipeline of asynchronous copies. The reduction may be split over
// blocks; their sums are then added in one order, so the same launch gives the same bits.
#include "kernels/cuda/gemm_math.cuh"
#include "kernels/cuda/last_block.cuh"
#include "kernels/cuda/work.cuh"

namespace snag {

// Four consecutive floats come in one piece where both ends are 16-byte aligned (Wide), else in four.
template <bool Wide>
HD constexpr int pieces() {
  return Wide ? 1 : 4;
}
// Starts the copy of one piece, zeros where not valid.
template <bool Wide>
__device__ inline void copy_piece(float* to, const float* from, bool valid) {
  if constexpr (Wide)
    cp_async_16(to, from, valid);
  else
    cp_async_4(to, from, valid);
}
// All four; the first `left` of them are valid.
template <bool Wide>
__device__ inline void copy4(float* to, const float* from, int left) {
  UNROLL
  for (int i = 0; i < pieces<Wide>(); ++i) copy_piece<Wide>(to + i, left > i ? from + i : from, left > i);
}

// Where a Problem looks at a whole tile of sums in shared memory.
constexpr int kKeptStride = kTileN + 8, kKeptFloats = kTileM * kKeptStride;
HD constexpr int kept_at(int row, int column) { return row * kKeptStride + column; }

// Problem:
//   static constexpr Along a, b;                          how its tiles lie
//   Block block(m tile, n block, int* shared)             what this block works on; ends with a barrier
//   block.depth()                                         length of the reduction
//   block.fetch<Wide>(k, a_tile, b_tile)                  starts the copies of elements k .. k + kTileK
//   block.store(row, column, sum)                         takes a sum of the tile; ignores what is outside
// and, of a Problem that has it, where keeps_tile():
//   take_tile(block, m tile, n block, float* tile, Scratch)   takes all at once, at kept_at(row, column)
//   tile_needs(), tile_shared                                 of that; tile_shared bytes are at `tile`
template <class Problem>
concept TakesTiles = requires(const Problem& p) {
  p.keeps_tile();
};

template <class Problem, template <Along, Along> class Math, bool Wide>
struct Gemm {
  static constexpr int threads = kGemmThreads, resident = 3;
  static constexpr int a_floats = tile_floats<Problem::a>(), b_floats = tile_floats<Problem::b>();
  static constexpr std::size_t shared = kStages * sizeof(float) * (a_floats + b_floats);
  using M = Math<Problem::a, Problem::b>;
  Problem problem;
  Grid grid;  // tiles of m, blocks of n, splits of the reduction
  Scratch scratch;
  void use(Scratch s) { scratch = s; }

  __device__ void run(Place at) const {
    DYN_SHARED(float, tiles);
    SHARED(int, table, [Problem::table_size]);
    const int tile = at.y * grid.x + at.x;
    const auto block = problem.block(at.x, at.y, table);
    const int chunks = (block.depth() + kTileK - 1) / kTileK;
    const int first = at.z * chunks / grid.z, end = (at.z + 1) * chunks / grid.z;

    const auto fetch = [&](int chunk) {
      if (chunk < end) {
        float* stage = tiles + (chunk - first) % kStages * (a_floats + b_floats);
        block.template fetch<Wide>(chunk * kTileK, stage, stage + a_floats);
      }
      cp_async_commit();
    };
    float sum[32] = {};
    for (int s = 0; s < kStages - 1; ++s) fetch(first + s);
    for (int chunk = first; chunk < end; ++chunk) {
      cp_async_wait<kStages - 2>();
      __syncthreads();  // this chunk has come for all threads, and none reads the stage that is fetched next
      fetch(chunk + kStages - 1);
      const float* stage = tiles + (chunk - first) % kStages * (a_floats + b_floats);
      M::multiply(stage, stage + a_floats, sum);
    }
    cp_async_wait<0>();
    if (grid.z > 1 && !add_splits(tile, at.z, sum)) return;
    UNROLL
    for (int i = 0; i < 32; ++i) block.store(M::row(i), M::column(i), sum[i]);
    if constexpr (TakesTiles<Problem>)
      if (problem.keeps_tile()) {
        static_assert(Problem::tile_shared <= shared);
        __syncthreads();  // no thread multiplies any more: the stages are free
        UNROLL
        for (int i = 0; i < 32; ++i) tiles[kept_at(M::row(i), M::column(i))] = sum[i];
        __syncthreads();
        problem.take_tile(block, at.x, at.y, tiles, scratch.after(split_needs(grid)));
      }
  }

  // What a reduction that is split needs: every sum of every split, and a ticket a tile.
  HD static Needs split_needs(Grid grid) {
    if (grid.z == 1) return {};
    const int tiles = grid.x * grid.y;
    return {.partial = std::size_t(tiles) * std::size_t(grid.z) * 32 * kGemmThreads, .tickets = tiles};
  }

 private:
  // Leaves this block's sums to the one that comes last, which adds all, split by split ([split][tile][32][thread]),
  // and gets true.
  __device__ bool add_splits(int tile, int split, float (&sum)[32]) const {
    const std::size_t tile_count = std::size_t(grid.x) * std::size_t(grid.y), per_tile = 32 * kGemmThreads;
    const auto part = [&](int s) {
      return scratch.partial + (std::size_t(s) * tile_count + std::size_t(tile)) * per_tile + threadIdx.x;
    };
    float* own = part(split);
    UNROLL
    for (int i = 0; i < 32; ++i) own[i * kGemmThreads] = sum[i];
    if (!last_block(scratch.tickets + tile, static_cast<unsigned>(grid.z))) return false;
    UNROLL
    for (int i = 0; i < 32; ++i) sum[i] = 0;
    for (int s = 0; s < grid.z; ++s) {
      const float* other = part(s);
      UNROLL
      for (int i = 0; i < 32; ++i) sum[i] += other[i * kGemmThreads];
    }
    return true;
  }
};

// Launches a problem whose grid is m_tiles x n_blocks; `depth`: the longest reduction of its blocks.
template <class Problem>
void launch_gemm(Cuda& cuda, const Problem& problem, int m_tiles, int n_blocks, int depth, bool aligned,
                 std::source_location where = std::source_location::current()) {
  const int tiles = m_tiles * n_blocks, chunks = (depth + kTileK - 1) / kTileK;
  const std::size_t per_split = static_cast<std::size_t>(tiles) * 32 * kGemmThreads;
  // Two blocks for each multiprocessor, of two chunks or more.
  int splits = (2 * cuda.multiprocessors + tiles - 1) / tiles;
  if (splits > chunks / 2) splits = chunks / 2;
  if (static_cast<std::size_t>(splits) * per_split > kMostPartial) splits = static_cast<int>(kMostPartial / per_split);
  if (splits < 1 || tiles > kMostTickets) splits = 1;
  const auto with = [&]<template <Along, Along> class Math, bool Wide>() {
    using Work = Gemm<Problem, Math, Wide>;
    const Work work{.problem = problem, .grid = {m_tiles, n_blocks, splits}, .scratch = {}};
    Needs needs = Work::split_needs(work.grid);
    needs.shared = Work::shared;
    if constexpr (TakesTiles<Problem>)
      if (problem.keeps_tile()) {
        const Needs more = problem.tile_needs();
        needs.partial += more.partial, needs.tickets += more.tickets;
      }
    run(cuda, work, needs, where);
  };
  const auto math = [&]<bool Wide>() {
    if (cuda.precision == Precision::fp32)
      with.template operator()<MathFp32, Wide>();
    else if (cuda.precision == Precision::tf32)
      with.template operator()<MathTf32, Wide>();
    else
      with.template operator()<MathBf16, Wide>();
  };
  if (aligned)
    math.template operator()<true>();
  else
    math.template operator()<false>();
}

}  // namespace snag
