#pragma once
// One tile of a product d[m, n] = sum over k of a(m, k) b(k, n) per block, where a and b are fetched by a Problem from
// wherever they lie (an image's window, weights), in a pipeline of asynchronous copies. The reduction may be split over
// blocks; their sums are then added in one order, so the same launch gives the same bits.
#include <algorithm>
#include <array>

#include "kernels/cuda/gemm_math.cuh"
#include "kernels/cuda/gemm_plan.h"
#include "kernels/cuda/gemm_warpgroup.cuh"
#include "kernels/cuda/last_block.cuh"
#include "kernels/cuda/parts.cuh"
#include "kernels/cuda/work.cuh"

namespace snag {

// Four consecutive floats come in one piece where both ends are 16-byte aligned (Wide), else in four.
template <bool Wide>
HD constexpr int pieces() {
  return Wide ? 1 : 4;
}
// Starts the copy of one piece, zeros where not valid, and then `from` is not read. `Again`: the block reads it again
// soon.
template <bool Wide, bool Again = false>
__device__ inline void copy_piece(float* to, const float* from, bool valid) {
  if constexpr (!Wide)
    cp_async_4(to, from, valid);
  else if constexpr (Again)
    cp_async_16_cached(to, from, valid);
  else
    cp_async_16(to, from, valid);
}
// The first `left` of four; in one piece where `whole` says that memory allows it.
__device__ inline void store4(float* to, float4 v, int left, bool whole) {
  if (whole && left >= 4) {
    four(to, 0) = v;
    return;
  }
  const float values[4] = {v.x, v.y, v.z, v.w};
  UNROLL
  for (int i = 0; i < 4; ++i)
    if (i < left) to[i] = values[i];
}

// Where an element of an operand lies; where there is none, it is zero and `at` not read.
template <class Scalar>
struct Element {
  const Scalar* at;
  bool is;
};
// Starts the copies of an operand's tile. line(k)(row(mn)): an element.
template <class T, Along A, int MN, bool Wide, bool Again, class F, class Row>
__device__ inline void copy_tile(const F& line, const Row& row, float* tile) {
  const int tid = static_cast<int>(threadIdx.x);
  if constexpr (A == Along::k) {  // four elements of one mn
    constexpr int at_once = T::threads / 8;
    for (int j = 0; j < pieces<Wide>(); ++j) {
      const int k = tid % 8 * 4 + j;
      const auto of = line(k);
      UNROLL
      for (int i = 0; i < MN / at_once; ++i) {
        const int mn = tid / 8 + at_once * i;
        const auto e = of(row(mn));
        copy_piece<Wide, Again>(tile + tile_at<A, MN>(mn, k), e.at, e.is);
      }
    }
  } else {  // of one k
    constexpr int each = T::threads / kTileK;
    const int k = tid / each;
    const auto of = line(k);
    UNROLL
    for (int i = 0; i < MN / 4 / each; ++i) UNROLL
    for (int j = 0; j < pieces<Wide>(); ++j) {
      const int mn = 4 * (tid % each + each * i) + j;
      const auto e = of(row(mn));
      copy_piece<Wide, Again>(tile + tile_at<A, MN>(mn, k), e.at, e.is);
    }
  }
}

// Where a Problem looks at a whole tile of sums in shared memory.
template <class T>
HD constexpr int kept_at(int row, int column) {
  return row * (T::n + 8) + column;
}
template <class T>
constexpr int kKeptFloats = T::m*(T::n + 8);

// Problem:
//   T                                                     its Tile
//   m_tiles(), n_blocks(), size()                         its grid; what the plan asks
//   static constexpr Along a, b;                          which neighbours of its operands lie side by side in memory
//   static constexpr bool reads_again                     where a block reads elements of a again soon
//   Table                                                 what a block keeps in shared memory
//   Block block(m tile, n block, Table&)                  what this block works on; ends with a barrier
//   block.chunks()                                        length of the reduction, in chunks of T::k
//   block.rows()                                          rows of the tile that there are
//   block.at(chunk), advance(at)                          where a chunk's elements lie; the next one's
//   block.a_row(m), b_row(n)                              what the elements of a row share in all chunks
//   block.a_low(), b_low()                                where operands have two parts: elements between them
//   block.a_line(at, k), b_line(at, k)                    f(row): an Element; where copied in pieces the first of one,
//                                                         which are all or none
//   block.store(row, column, float4)                      takes four neighbours; ignores what is outside
// and, of a Problem that has it, where keeps_tile():
//   take_tile(block, m tile, n block, float* tile, Scratch)   takes all at once, at kept_at(row, column)
//   tile_needs(), tile_shared                                 of that; tile_shared bytes are at `tile`
//   output()                                              what is stored
//   operands(written)                                     what is read, and that
// Of one that may leave parts (parts.cuh), where leaves_parts():
//   parts                          where to; null: nowhere; they are parts of the output
//   block.store_part(split, row, column, float4)
template <class Problem>
concept LeavesParts = requires(const Problem& p) {
  p.leaves_parts();
};
template <class Problem>
concept TakesTiles = requires(const Problem& p) {
  p.keeps_tile();
};

template <class Problem, template <class, Along, Along> class Math, bool Wide>
struct Gemm {
  using T = typename Problem::T;
  using M = Math<T, Problem::a, Problem::b>;
  static constexpr int threads = T::threads, resident = M::resident;
  static constexpr int a_floats = T::m * T::k, b_floats = T::n * T::k;
  static constexpr std::size_t shared = [] {
    if constexpr (ForWarpgroups<T>)
      return M::shared;
    else
      return T::stages * sizeof(float) * (a_floats + b_floats);
  }();
  Problem problem;
  Grid grid;  // tiles of m, blocks of n, splits of the reduction
  Scratch scratch;
  void use(Scratch s) { scratch = s; }

  __device__ void run(Place at) const {
    if (ForWarpgroups<T> && !kHasWarpgroups) return;  // code that the host does not choose
    DYN_SHARED(float, tiles);
    SHARED(typename Problem::Table, table, [1]);
    const auto block = problem.block(at.x, at.y, table[0]);
    const int chunks = block.chunks(), first = at.z * chunks / grid.z, end = (at.z + 1) * chunks / grid.z;

    float sum[T::sums] = {};
    if constexpr (ForWarpgroups<T>) {
      M::multiply(block, first, end, tiles, sum);
    } else {
      multiply(block, first, end, tiles, sum);
      add_teams<T>(tiles, sum);
    }

    if constexpr (LeavesParts<Problem>)
      if (problem.parts != nullptr) {
        M::each_four(sum, [&](int row, int column, float4 v) { block.store_part(at.z, row, column, v); });
        return;
      }
    bool keeps = false;
    if constexpr (TakesTiles<Problem>) keeps = problem.keeps_tile();
    const auto take = [&](int row, int column, float4 v) {
      block.store(row, column, v);
      if (keeps) four(tiles, kept_at<T>(row, column)) = v;
    };
    if (grid.z == 1) {
      if (keeps) __syncthreads();  // no thread multiplies any more: the stages are free
      M::each_four(sum, take);
    } else if (!add_splits(at, block.rows(), sum, take)) {
      return;
    }
    if constexpr (TakesTiles<Problem>)
      if (keeps) {
        __syncthreads();
        problem.take_tile(block, at.x, at.y, tiles, scratch.after(split_needs(grid)));
      }
  }

  // What a reduction that is split needs: every sum of every split, and a ticket a tile.
  HD static Needs split_needs(Grid grid) {
    if (grid.z == 1) return {};
    const int tiles = grid.x * grid.y;
    return {.partial = std::size_t(tiles) * std::size_t(grid.z) * T::m * T::n, .tickets = tiles};
  }

 private:
  // Copies run ahead by all stages but one, half of a chunk's at a time.
  template <class Block>
  __device__ static void multiply(const Block& block, int first, int end, float* tiles, float (&sum)[T::sums]) {
    auto next = block.at(first);
    int fetched = first;
    float* to = tiles;
    const auto fetch = [&](int part) {
      if (fetched < end) {
        if (part == 0) copy_tile < T, Problem::a, T::m, Wide, requires {
            Problem::reads_again;
          }
        > ([&](int k) { return block.a_line(next, k); }, [&](int m) { return block.a_row(m); }, to);
        else copy_tile<T, Problem::b, T::n, Wide, false>([&](int k) { return block.b_line(next, k); },
                                                         [&](int n) { return block.b_row(n); }, to + a_floats);
      }
      if (part == 0) return;
      cp_async_commit();
      block.advance(next);
      ++fetched;
      to = to == tiles + (T::stages - 1) * (a_floats + b_floats) ? tiles : to + a_floats + b_floats;
    };
    for (int s = 0; s < T::stages - 1; ++s) fetch(0), fetch(1);
    const float* stage = tiles;
    for (int chunk = first; chunk < end; ++chunk) {
      cp_async_wait<T::stages - 2>();
      __syncthreads();  // this chunk has come for all threads, and none reads the stage that is fetched next
      M::multiply(stage, stage + a_floats, sum, fetch);
      stage = stage == tiles + (T::stages - 1) * (a_floats + b_floats) ? tiles : stage + a_floats + b_floats;
    }
    cp_async_wait<0>();
  }

  // Leaves this block's sums to the one that comes last, which adds all, split by split ([tile][split][row][column]),
  // and gets true.
  template <class F>
  __device__ bool add_splits(Place at, int rows, const float (&sum)[T::sums], const F& take) const {
    const int tile = at.y * grid.x + at.x;
    const float* const parts = scratch.partial + std::size_t(tile) * std::size_t(grid.z) * T::m * T::n;
    float* const own = scratch.partial + (std::size_t(tile) * std::size_t(grid.z) + std::size_t(at.z)) * T::m * T::n;
    M::each_four(sum, [&](int row, int column, float4 v) {
      if (row < rows) four(own, row * T::n + column) = v;
    });
    if (!last_block(scratch.tickets + tile, static_cast<unsigned>(grid.z))) return false;
    if (grid.z <= 4)
      add_parts<4, 4>(parts, rows, take);
    else
      add_parts<2, 8>(parts, rows, take);
    return true;
  }
  // Reads Quads * Splits fours at once: what it costs is to wait for memory.
  template <int Quads, int Splits, class F>
  __device__ void add_parts(const float* parts, int rows, const F& take) const {
    constexpr int per_row = T::n / 4;
    for (int q = static_cast<int>(threadIdx.x); q < rows * per_row; q += Quads * T::threads) {
      float4 all[Quads] = {};
      for (int z = 0; z < grid.z; z += Splits) {
        float4 v[Quads][Splits];
        UNROLL
        for (int j = 0; j < Quads; ++j) UNROLL
        for (int i = 0; i < Splits; ++i) {
          const int at = q + j * T::threads;
          v[j][i] = z + i < grid.z && at < rows * per_row ? four(parts, (z + i) * T::m * T::n + 4 * at)
                                                          : make_float4(0, 0, 0, 0);
        }
        UNROLL
        for (int j = 0; j < Quads; ++j) UNROLL
        for (int i = 0; i < Splits; ++i)
          all[j].x += v[j][i].x, all[j].y += v[j][i].y, all[j].z += v[j][i].z, all[j].w += v[j][i].w;
      }
      UNROLL
      for (int j = 0; j < Quads; ++j) {
        const int at = q + j * T::threads;
        if (at < rows * per_row) take(at / per_row, at % per_row * 4, all[j]);
      }
    }
  }
};

// Calls f(in_tile<T>()) with tile `number` of these.
template <class T, class... More, class InTile, class F>
auto in_tile_number(int number, const InTile& in_tile, const F& f) {
  if constexpr (sizeof...(More) > 0)
    if (number > 0) return in_tile_number<More...>(number - 1, in_tile, f);
  return f(in_tile.template operator()<T>());
}
// With the one of these that is asked for, else in which the problem takes least time.
template <class... Tiles, class InTile, class F>
auto in_best_of(const Cuda& cuda, const InTile& in_tile, const F& f) {
  const std::array all{gemm_plan<Tiles>(cuda, in_tile.template operator()<Tiles>().size())...};
  if (cuda.tilings) cuda.tilings->assign(all.begin(), all.end());
  auto chosen = std::find_if(all.begin(), all.end(), [&](const Tiling& t) { return t.tile == cuda.tile; });
  if (chosen == all.end())
    chosen = std::min_element(all.begin(), all.end(),
                              [](const Tiling& a, const Tiling& b) { return a.microseconds < b.microseconds; });
  return in_tile_number<Tiles...>(static_cast<int>(chosen - all.begin()), in_tile, f);
}
// With the best that any product may have; what is not copied in fours has one.
template <class... More, class InTile, class F>
auto in_best_tile(const Cuda& cuda, bool fours, const InTile& in_tile, const F& f) {
  if (!fours) return f(in_tile.template operator()<SmallTile>());
  return in_best_of<SmallTile, TallTile, LargeTile, More...>(cuda, in_tile, f);
}

// `fours`: its operands can be copied in fours; else its tile is the small one.
template <class Problem>
void launch_gemm(Cuda& cuda, const Problem& problem, bool fours,
                 std::source_location where = std::source_location::current()) {
  using T = typename Problem::T;
  const int splits = gemm_plan<T>(cuda, problem.size()).splits;
  const auto with = [&]<template <class, Along, Along> class Math, bool Wide>() {
    using Work = Gemm<Problem, Math, Wide>;
    Work work{.problem = problem, .grid = {problem.m_tiles(), problem.n_blocks(), splits}, .scratch = {}};
    if constexpr (LeavesParts<Problem>)
      if (splits > 1 && problem.leaves_parts()) {
        const View y = problem.output();
        const int size = y.shape.size();
        work.problem.parts = cuda.parts->take(static_cast<std::size_t>(splits) * static_cast<std::size_t>(size));
        const Parts parts{work.problem.parts, size, splits};
        run(cuda, work, {.shared = Work::shared}, where, problem.operands(writes(parts)));
        return launch_add_parts(cuda, y, parts);
      }
    Needs needs = Work::split_needs(work.grid);
    needs.shared = Work::shared;
    if constexpr (TakesTiles<Problem>)
      if (problem.keeps_tile()) {
        const Needs more = problem.tile_needs();
        needs.partial += more.partial, needs.tickets += more.tickets;
        needs.shared = std::max(needs.shared, Problem::tile_shared);
      }
    run(cuda, work, needs, where, problem.operands(writes(problem.output())));
  };
  const auto math = [&]<bool Wide>() {
    if constexpr (ForWarpgroups<T>)
      with.template operator()<MathCopied, Wide>();
    else if (cuda.precision == Precision::fp32)
      with.template operator()<MathFp32, Wide>();
    else if (cuda.precision == Precision::tf32)
      with.template operator()<MathTf32, Wide>();
    else
      with.template operator()<MathBf16, Wide>();
  };
  if (fours)
    math.template operator()<true>();
  else if constexpr (std::is_same_v<T, SmallTile>)
    math.template operator()<false>();
}

}  // namespace snag
