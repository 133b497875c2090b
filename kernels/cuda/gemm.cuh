#pragma once
// One tile of a product d[m, n] = sum over k of a(m, k) b(k, n) per block, where a and b are fetched by a Problem from
// wherever they lie (an image's window, weights), in a pipeline of asynchronous copies. The reduction may be split over
// blocks; their sums are then added in one order, so the same launch gives the same bits.
#include "kernels/cuda/last_block.cuh"
#include "kernels/cuda/mma.cuh"
#include "kernels/cuda/work.cuh"

namespace snag {

constexpr int kTileM = 64, kTileN = 64, kTileK = 32;
constexpr int kGemmThreads = 128;
constexpr int kStages = 3;

// How a tile [mn, k] lies in shared memory: its neighbours along k side by side, or those along m or n.
enum class Along { k, mn };

// Strides that keep the loads of a warp's fragments in different banks.
template <Along A>
HD constexpr int tile_stride() {
  return A == Along::k ? kTileK + 4 : kTileM + 8;
}
template <Along A>
HD constexpr int tile_floats() {
  return A == Along::k ? kTileM * tile_stride<A>() : kTileK * tile_stride<A>();
}
template <Along A>
__device__ inline int tile_at(int mn, int k) {
  return A == Along::k ? mn * tile_stride<A>() + k : k * tile_stride<A>() + mn;
}

// ---- what one block computes: each thread holds 32 of the 64 x 64 sums

// IEEE float, 8 x 4 sums a thread.
template <Along A, Along B>
struct MathFp32 {
  __device__ static int row(int i) {
    const int ty = static_cast<int>(threadIdx.x) / 16, r = i / 4;
    return A == Along::k ? ty + 8 * r : ty * 8 + r;
  }
  __device__ static int column(int i) {
    const int tx = static_cast<int>(threadIdx.x) % 16, c = i % 4;
    return B == Along::k ? tx + 16 * c : tx * 4 + c;
  }
  // Four consecutive k of one row, or (mn) the values of one k of four rows.
  template <Along L>
  __device__ static float4 load4(const float* tile, int mn, int k) {
    return *reinterpret_cast<const float4*>(tile + tile_at<L>(mn, k));
  }
  template <Along L, int Count>
  __device__ static void load(const float* tile, const int (&mn)[Count], int k, float (&to)[Count][4]) {
    UNROLL
    for (int i = 0; i < Count; ++i) {
      if constexpr (L == Along::k) {
        const float4 v = load4<L>(tile, mn[i], k);
        to[i][0] = v.x, to[i][1] = v.y, to[i][2] = v.z, to[i][3] = v.w;
      } else if (i % 4 == 0) {
        UNROLL
        for (int j = 0; j < 4; ++j) {
          const float4 v = load4<L>(tile, mn[i], k + j);
          to[i][j] = v.x, to[i + 1][j] = v.y, to[i + 2][j] = v.z, to[i + 3][j] = v.w;
        }
      }
    }
  }
  __device__ static void multiply(const float* a_tile, const float* b_tile, float (&sum)[32]) {
    int rows[8], columns[4];
    UNROLL
    for (int i = 0; i < 8; ++i) rows[i] = row(4 * i);
    UNROLL
    for (int j = 0; j < 4; ++j) columns[j] = column(j);
    UNROLL
    for (int k = 0; k < kTileK; k += 4) {
      float a[8][4], b[4][4];
      load<A>(a_tile, rows, k, a);
      load<B>(b_tile, columns, k, b);
      UNROLL
      for (int kk = 0; kk < 4; ++kk) UNROLL
      for (int i = 0; i < 8; ++i) UNROLL
      for (int j = 0; j < 4; ++j) sum[i * 4 + j] = fmaf(a[i][kk], b[j][kk], sum[i * 4 + j]);
    }
  }
};

// Tensor cores: a warp computes 32 x 32 sums as 2 x 4 fragments of 16 x 8.
struct WarpTile {
  __device__ static int warp_row() { return static_cast<int>(threadIdx.x) / 32 / 2 * 32; }
  __device__ static int warp_column() { return static_cast<int>(threadIdx.x) / 32 % 2 * 32; }
  __device__ static int lane() { return static_cast<int>(threadIdx.x) % 32; }
  // sum i = ((fragment row * 4 + fragment column) * 4 + register of the fragment)
  __device__ static int row(int i) { return warp_row() + i / 16 * 16 + lane() / 4 + i % 4 / 2 * 8; }
  __device__ static int column(int i) { return warp_column() + i / 4 % 4 * 8 + lane() % 4 * 2 + i % 2; }
};

template <Along A, Along B>
struct MathTf32 : WarpTile {
  __device__ static void multiply(const float* a_tile, const float* b_tile, float (&sum)[32]) {
    const int g = lane() / 4, t = lane() % 4;
    UNROLL
    for (int k = 0; k < kTileK; k += 8) {
      unsigned a[2][4], b[4][2];
      UNROLL
      for (int i = 0; i < 2; ++i) UNROLL
      for (int r = 0; r < 4; ++r)
        a[i][r] = to_tf32(a_tile[tile_at<A>(warp_row() + 16 * i + g + r % 2 * 8, k + t + r / 2 * 4)]);
      UNROLL
      for (int j = 0; j < 4; ++j) UNROLL
      for (int r = 0; r < 2; ++r) b[j][r] = to_tf32(b_tile[tile_at<B>(warp_column() + 8 * j + g, k + t + r * 4)]);
      UNROLL
      for (int i = 0; i < 2; ++i) UNROLL
      for (int j = 0; j < 4; ++j) mma_tf32(reinterpret_cast<float(&)[4]>(sum[(i * 4 + j) * 4]), a[i], b[j]);
    }
  }
};

// Operands rounded to bfloat16, sums in float.
template <Along A, Along B>
struct MathBf16 : WarpTile {
  template <Along L>
  __device__ static unsigned pair(const float* tile, int mn, int k) {
    return pack_bf16(tile[tile_at<L>(mn, k)], tile[tile_at<L>(mn, k + 1)]);
  }
  __device__ static void multiply(const float* a_tile, const float* b_tile, float (&sum)[32]) {
    const int g = lane() / 4, t = lane() % 4;
    UNROLL
    for (int k = 0; k < kTileK; k += 16) {
      unsigned a[2][4], b[4][2];
      UNROLL
      for (int i = 0; i < 2; ++i) UNROLL
      for (int r = 0; r < 4; ++r) a[i][r] = pair<A>(a_tile, warp_row() + 16 * i + g + r % 2 * 8, k + 2 * t + r / 2 * 8);
      UNROLL
      for (int j = 0; j < 4; ++j) UNROLL
      for (int r = 0; r < 2; ++r) b[j][r] = pair<B>(b_tile, warp_column() + 8 * j + g, k + 2 * t + r * 8);
      UNROLL
      for (int i = 0; i < 2; ++i) UNROLL
      for (int j = 0; j < 4; ++j) mma_bf16(reinterpret_cast<float(&)[4]>(sum[(i * 4 + j) * 4]), a[i], b[j]);
    }
  }
};

// ---- the kernel

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

// Problem:
//   static constexpr Along a, b;                          how its tiles lie
//   Block block(m tile, n block, int* shared)             what this block works on; ends with a barrier
//   block.depth()                                         length of the reduction
//   block.fetch<Wide>(k, a_tile, b_tile)                  starts the copies of elements k .. k + kTileK
//   block.store(row, column, sum)                         takes a sum of the tile; ignores what is outside
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
    Needs needs{.shared = Work::shared};
    if (splits > 1) needs.partial = static_cast<std::size_t>(splits) * per_split, needs.tickets = tiles;
    run(cuda, Work{.problem = problem, .grid = {m_tiles, n_blocks, splits}, .scratch = {}}, needs, where);
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
