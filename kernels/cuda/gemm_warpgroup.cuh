#pragma once
// A block's tile of sums by one warpgroup or two, on tensor cores of sm_90a, which read both operands from shared
// memory by themselves, while threads copy the next chunks there as they lie in memory: floats whose neighbours are
// those along k, for TF32; bf16, which may lie either way; and floats in two parts, each bf16 (bf16.cuh), whose product
// is high * high + high * low + low * high: to some 16 bits, where TF32 has 11.
#include "kernels/cuda/bf16.cuh"
#include "kernels/cuda/gemm_math.cuh"
#include "kernels/cuda/warpgroup.cuh"

namespace snag {

// 128 rows of M for each warpgroup. `Resident` blocks share a multiprocessor. Operands are floats or bf16, in so many
// parts.
template <int M, int N, int Resident, class Element, int Parts = 1>
struct WarpgroupTile {
  using Scalar = Element;
  static constexpr int parts = Parts, m = M, n = N, threads = M, resident = Resident;
  static constexpr int k = kRowBytes / static_cast<int>(sizeof(Scalar)) / parts;
  static constexpr int sums = m * n / threads;  // of a thread
};
template <class Element, int Parts = 1>
using WideTile = WarpgroupTile<128, 128, 2, Element, Parts>;
template <class Element, int Parts = 1>
using HugeTile = WarpgroupTile<256, 128, 1, Element, Parts>;
template <class Element, int Parts = 1>
using LongTile = WarpgroupTile<256, 64, 1, Element, Parts>;
template <class Element, int Parts = 1>
using HalfTile = WarpgroupTile<128, 64, 3, Element, Parts>;

template <class T>
concept ForWarpgroups = requires {
  T::parts;
};

// Both operands are copied, two chunks ahead. A stage in shared memory is a chunk: the rows of a, then those of b; of
// each its parts, one after another.
template <class T, Along A, Along B>
struct MathCopied {
  using Scalar = typename T::Scalar;
  static constexpr int half = T::n / 2;  // sums of 64 rows, that a warpgroup has
  static constexpr int blocks = T::sums / half;
  static constexpr int stages = 3, a_bytes = T::m * kRowBytes, stage_bytes = a_bytes + T::n * kRowBytes;
  static constexpr std::size_t shared = stages * stage_bytes + kSwizzleAlignment;
  static constexpr int resident = T::resident;
  // Tensor cores drop 13 bits of each float, which makes a product smaller by 2 ln 2 / 2^11 of it, on average over
  // mantissas: the sums make up for it.
  static constexpr float unbiased =
      std::is_same_v<Scalar, float> ? (1 + 0.693147f / 2048) * (1 + 0.693147f / 2048) : 1.0f;

  template <class Block>
  __device__ static void multiply(const Block& block, int first, int end, float* memory, float (&sum)[T::sums]) {
    if (first >= end) return;
    const auto address = reinterpret_cast<std::uintptr_t>(memory);
    auto* const in_order = reinterpret_cast<unsigned char*>(memory) + (0 - address) % kSwizzleAlignment;
    const auto next = [&](unsigned char* stage) {
      return stage == in_order + (stages - 1) * stage_bytes ? in_order : stage + stage_bytes;
    };
    using PiecesOfA = Pieces<A, T::m>;
    using PiecesOfB = Pieces<B, T::n>;
    decltype(block.a_row(0)) a_rows[PiecesOfA::rows];
    decltype(block.b_row(0)) b_rows[PiecesOfB::rows];
    UNROLL
    for (int i = 0; i < PiecesOfA::rows; ++i) a_rows[i] = block.a_row(PiecesOfA::row(i));
    UNROLL
    for (int i = 0; i < PiecesOfB::rows; ++i) b_rows[i] = block.b_row(PiecesOfB::row(i));
    // Where from is worked out before, while the thread would wait for products.
    auto copied = block.at(first);
    int copies = first;
    unsigned char* copy_to = in_order;
    decltype(block.a_line(copied, 0)) a_lines[PiecesOfA::lines];
    decltype(block.b_line(copied, 0)) b_lines[PiecesOfB::lines];
    const auto aim = [&] {
      UNROLL
      for (int i = 0; i < PiecesOfA::lines; ++i) a_lines[i] = block.a_line(copied, PiecesOfA::k(i));
      UNROLL
      for (int i = 0; i < PiecesOfB::lines; ++i) b_lines[i] = block.b_line(copied, PiecesOfB::k(i));
      block.advance(copied);
    };
    const auto copy = [&] {
      if (copies++ < end) {
        PiecesOfA::template copy<A == Along::k>(a_lines, a_rows, block.a_low(), copy_to);
        PiecesOfB::template copy<false>(b_lines, b_rows, block.b_low(), copy_to + a_bytes);
      }
      cp_async_commit();
      copy_to = next(copy_to);
    };
    for (int i = 0; i < stages - 1; ++i) aim(), copy();
    UNROLL
    for (int i = 0; i < T::sums; ++i) hold_sum(sum[i]);
    unsigned char* stage = in_order;
    LOOP
    for (int chunk = first; chunk < end; ++chunk) {
      aim();
      cp_async_wait<stages - 2>();
      warpgroup_wait<0>();
      fence_for_products();
      __syncthreads();  // this chunk is there for all threads, and none multiplies the stage that is filled next
      warpgroup_begin();
      add_products<0, 0>(stage, sum);
      if constexpr (T::parts == 2) add_products<0, 1>(stage, sum), add_products<1, 0>(stage, sum);
      warpgroup_commit();
      copy();
      stage = next(stage);
    }
    cp_async_wait<0>();
    warpgroup_wait<0>();
    UNROLL
    for (int i = 0; i < T::sums; ++i) hold_sum(sum[i]);
    UNROLL
    for (int i = 0; i < T::sums; ++i) sum[i] *= unbiased;
  }

  // A lane has pairs of columns of two rows; two lanes hand each other one, and have four columns of a row each.
  template <class F>
  __device__ static void each_four(const float (&sum)[T::sums], const F& f) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const bool odd = lane % 2 == 1;
    UNROLL
    for (int i = 0; i < blocks; ++i) UNROLL
    for (int j = 0; j < T::n / 8; ++j) {
      const float* const s = sum + half * i + 4 * j;
      const float given[2] = {odd ? s[0] : s[2], odd ? s[1] : s[3]}, kept[2] = {odd ? s[2] : s[0], odd ? s[3] : s[1]};
      const float got[2] = {__shfl_xor_sync(0xffffffffu, given[0], 1), __shfl_xor_sync(0xffffffffu, given[1], 1)};
      f(row(i) + warp() % 4 * 16 + lane / 4 + (odd ? 8 : 0), 8 * j + lane % 4 / 2 * 4,
        odd ? make_float4(got[0], got[1], kept[0], kept[1]) : make_float4(kept[0], kept[1], got[0], got[1]));
    }
  }

 private:
  __device__ static int warp() { return static_cast<int>(threadIdx.x) / 32; }
  __device__ static int row(int block) { return (warp() / 4 * blocks + block) * 64; }

  // Of this part of a and that of b.
  template <int PartOfA, int PartOfB>
  __device__ static void add_products(const unsigned char* stage, float (&sum)[T::sums]) {
    const SharedMatrix a = matrix<A>(stage + PartOfA * (a_bytes / T::parts) + row(0) / 64 * bytes_of_64<A>),
                       b = matrix<B>(stage + a_bytes + PartOfB * (T::n * kRowBytes / T::parts));
    constexpr int step = 32 / static_cast<int>(sizeof(Scalar));  // of k, that one product takes
    UNROLL
    for (int k = 0; k < T::k; k += step) UNROLL
    for (int i = 0; i < blocks; ++i) {
      float(&of_rows)[half] = reinterpret_cast<float(&)[half]>(sum[half * i]);
      const SharedMatrix x = a.moved(i * bytes_of_64<A> + k * bytes_of_k<A>), y = b.moved(k * bytes_of_k<B>);
      if constexpr (std::is_same_v<Scalar, float>)
        warpgroup_tf32(of_rows, x, y);
      else
        warpgroup_bf16<A == Along::mn, B == Along::mn>(of_rows, x, y);
    }
  }
  static_assert(std::is_same_v<Scalar, Bf16> || (A == Along::k && B == Along::k), "floats do not lie across");
  static_assert(T::parts == 1 || (A == Along::mn && B == Along::mn), "parts of rows are shorter than they must be");
  template <Along Side>
  __device__ static SharedMatrix matrix(const unsigned char* rows) {
    constexpr int rows_of_k = Side == Along::mn ? T::k : 0;
    return shared_matrix<rows_of_k>(rows);
  }
  // From one element of a part to the next along k, and from 64 of m or n to the next.
  template <Along Side>
  static constexpr int bytes_of_k = Side == Along::mn ? kRowBytes : static_cast<int>(sizeof(Scalar));
  template <Along Side>
  static constexpr int bytes_of_64 = Side == Along::mn ? T::k * kRowBytes : 64 * kRowBytes;

  // The 16 bytes that a thread copies of each of its rows in shared memory: eight threads have a row. Elements along k
  // are of one line and many rows of the operand, those across of some lines and rows.
  template <Along Side, int MN>
  struct Pieces {
    static constexpr int pass = T::threads / 8, each = 16 / static_cast<int>(sizeof(Scalar));
    static constexpr int lines = Side == Along::k ? 1 : T::k / pass, rows = Side == Along::k ? MN / pass : MN / 64;
    __device__ static int piece() { return static_cast<int>(threadIdx.x) % 8; }
    __device__ static int pass_row(int i) { return static_cast<int>(threadIdx.x) / 8 + pass * i; }
    __device__ static int k(int line) { return Side == Along::k ? piece() * each : pass_row(line); }
    __device__ static int row(int i) { return Side == Along::k ? pass_row(i) : piece() * each + 64 * i; }
    // `Again`: the block reads it again soon. `low`: elements from the first part to the second.
    template <bool Again, class Line, class Row>
    __device__ static void copy(const Line (&of)[lines], const Row (&at)[rows], [[maybe_unused]] int low,
                                unsigned char* tile) {
      UNROLL
      for (int l = 0; l < lines; ++l) UNROLL
      for (int i = 0; i < rows; ++i) {
        const auto e = of[l](at[i]);
        unsigned char* const to = tile + swizzled(Side == Along::k ? row(i) : T::k * i + k(l), piece() * 16);
        if constexpr (Again)
          cp_async_16_cached(to, e.at, e.is);
        else
          cp_async_16(to, e.at, e.is);
        if constexpr (T::parts == 2) cp_async_16(to + MN * kRowBytes / T::parts, e.at + low, e.is);
      }
    }
  };
};

}  // namespace snag
