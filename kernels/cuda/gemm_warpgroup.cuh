#pragma once
// A block's tile of sums by one warpgroup or two, on tensor cores of sm_90a, which read both operands from shared
// memory by themselves, while threads bring the next chunks there. What lies in memory as tensor cores want it is
// copied: floats whose neighbours are those along k, for TF32, and bf16. Other floats are loaded into registers, turned
// in squares, and stored.
#include "kernels/cuda/bf16.cuh"
#include "kernels/cuda/gemm_math.cuh"
#include "kernels/cuda/warpgroup.cuh"

namespace snag {

// 128 rows of M for each warpgroup. `Resident` blocks share a multiprocessor. Operands are floats or bf16.
template <int M, int N, int Resident, class Element>
struct WarpgroupTile {
  using Scalar = Element;
  static constexpr int m = M, n = N, k = kRowBytes / static_cast<int>(sizeof(Scalar)), threads = M, resident = Resident;
  static constexpr int sums = m * n / threads;  // of a thread
};
template <class Scalar = float>
using WideTile = WarpgroupTile<128, 128, 2, Scalar>;
template <class Scalar = float>
using HugeTile = WarpgroupTile<256, 128, 1, Scalar>;
template <class Scalar = float>
using LongTile = WarpgroupTile<256, 64, 1, Scalar>;

template <class T>
concept ForWarpgroups = std::is_same_v<T, WarpgroupTile<T::m, T::n, T::resident, typename T::Scalar>>;

// Sums of a tile, and the products of a chunk that lies in shared memory: a's rows, then b's.
template <class T, Along A, Along B>
struct WarpgroupSums {
  using Scalar = typename T::Scalar;
  static constexpr int half = T::n / 2;  // sums of 64 rows, that a warpgroup has
  static constexpr int blocks = T::sums / half;
  static constexpr int stages = 3, stage_bytes = (T::m + T::n) * kRowBytes;
  static constexpr std::size_t shared = stages * stage_bytes + kSwizzleAlignment;
  static constexpr int resident = T::resident;
  // Tensor cores drop 13 bits of each float, which makes a product smaller by 2 ln 2 / 2^11 of it, on average over
  // mantissas: the sums make up for it.
  static constexpr float unbiased =
      std::is_same_v<Scalar, float> ? (1 + 0.693147f / 2048) * (1 + 0.693147f / 2048) : 1.0f;

  __device__ static unsigned char* stages_in(float* memory) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory);
    return reinterpret_cast<unsigned char*>(memory) + (0 - address) % kSwizzleAlignment;
  }
  __device__ static unsigned char* next(unsigned char* stage, unsigned char* first) {
    return stage == first + (stages - 1) * stage_bytes ? first : stage + stage_bytes;
  }
  __device__ static void hold(float (&sum)[T::sums]) {
    UNROLL
    for (int i = 0; i < T::sums; ++i) hold_sum(sum[i]);
  }

  __device__ static void begin_products(const unsigned char* stage, float (&sum)[T::sums]) {
    warpgroup_begin();
    const SharedMatrix a = matrix<A>(stage + row(0) * kRowBytes), b = matrix<B>(stage + T::m * kRowBytes);
    UNROLL
    for (int k = 0; k < kRowBytes; k += 32) UNROLL
    for (int i = 0; i < blocks; ++i) {
      float(&of_rows)[half] = reinterpret_cast<float(&)[half]>(sum[half * i]);
      const SharedMatrix x = a.moved(64 * i * kRowBytes + along<A>(k)), y = b.moved(along<B>(k));
      if constexpr (std::is_same_v<Scalar, float>)
        warpgroup_tf32(of_rows, x, y);
      else
        warpgroup_bf16<A == Along::mn, B == Along::mn>(of_rows, x, y);
    }
    warpgroup_commit();
  }
  __device__ static void end(float (&sum)[T::sums]) {
    warpgroup_wait<0>();
    hold(sum);
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
  // Of floats, which are never across, threads have turned those that were.
  template <Along Side>
  static constexpr bool kAcross = Side == Along::mn && !std::is_same_v<Scalar, float>;
  template <Along Side>
  __device__ static SharedMatrix matrix(const unsigned char* rows) {
    return shared_matrix<kAcross<Side> ? T::k : 0>(rows);
  }
  // From the first element to one that is `bytes` further along k.
  template <Along Side>
  HD static constexpr int along(int bytes) {
    return kAcross<Side> ? bytes / static_cast<int>(sizeof(Scalar)) * kRowBytes : bytes;
  }
};

// Both operands are copied, two chunks ahead.
template <class T, Along A, Along B>
struct MathCopied : WarpgroupSums<T, A, B> {
  using Sums = WarpgroupSums<T, A, B>;

  template <class Block>
  __device__ static void multiply(const Block& block, int first, int end, float* memory, float (&sum)[T::sums]) {
    if (first >= end) return;
    unsigned char* const stages = Sums::stages_in(memory);
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
    unsigned char* copy_to = stages;
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
        PiecesOfA::template copy<A == Along::k>(a_lines, a_rows, copy_to);
        PiecesOfB::template copy<false>(b_lines, b_rows, copy_to + T::m * kRowBytes);
      }
      cp_async_commit();
      copy_to = Sums::next(copy_to, stages);
    };
    for (int i = 0; i < Sums::stages - 1; ++i) aim(), copy();
    Sums::hold(sum);
    unsigned char* stage = stages;
    LOOP
    for (int chunk = first; chunk < end; ++chunk) {
      aim();
      cp_async_wait<Sums::stages - 2>();
      warpgroup_wait<0>();
      fence_for_products();
      __syncthreads();  // this chunk is there for all threads, and none multiplies the stage that is filled next
      Sums::begin_products(stage, sum);
      copy();
      stage = Sums::next(stage, stages);
    }
    cp_async_wait<0>();
    Sums::end(sum);
  }

 private:
  // The 16 bytes that a thread copies of each of its rows in shared memory: eight threads have a row. Elements along k
  // are of one line and many rows of the operand, those across of some lines and rows.
  template <Along Side, int MN>
  struct Pieces {
    static constexpr int pass = T::threads / 8, each = 16 / static_cast<int>(sizeof(typename T::Scalar));
    static constexpr int lines = Side == Along::k ? 1 : T::k / pass, rows = Side == Along::k ? MN / pass : MN / T::k;
    __device__ static int piece() { return static_cast<int>(threadIdx.x) % 8; }
    __device__ static int pass_row(int i) { return static_cast<int>(threadIdx.x) / 8 + pass * i; }
    __device__ static int k(int line) { return Side == Along::k ? piece() * each : pass_row(line); }
    __device__ static int row(int i) { return Side == Along::k ? pass_row(i) : piece() * each + T::k * i; }
    // `Again`: the block reads it again soon.
    template <bool Again, class Line, class Row>
    __device__ static void copy(const Line (&of)[lines], const Row (&at)[rows], unsigned char* tile) {
      UNROLL
      for (int l = 0; l < lines; ++l) UNROLL
      for (int i = 0; i < rows; ++i) {
        const auto e = of[l](at[i]);
        unsigned char* const to = tile + swizzled(Side == Along::k ? row(i) : T::k * i + k(l), piece() * 16);
        if constexpr (Again)
          cp_async_16_cached(to, e.at, e.is);
        else
          cp_async_16(to, e.at, e.is);
      }
    }
  };
};

// Floats, both of whose operands' neighbours in memory are those along m or n: loaded two chunks ahead, stored one ahead.
// Eight threads have the 32 of k, in squares of four by four, and eight threads of a warp read one stretch of 128
// bytes.
template <class T, Along A, Along B>
struct MathTurned : WarpgroupSums<T, A, B> {
  using Sums = WarpgroupSums<T, A, B>;
  static_assert(A == Along::mn && B == Along::mn && std::is_same_v<typename T::Scalar, float>);

  template <class Block>
  __device__ static void multiply(const Block& block, int first, int end, float* memory, float (&sum)[T::sums]) {
    if (first >= end) return;
    unsigned char* const stages = Sums::stages_in(memory);
    decltype(block.a_row(0)) a_rows[count<T::m>()];
    decltype(block.b_row(0)) b_rows[count<T::n>()];
    UNROLL
    for (int i = 0; i < count<T::m>(); ++i) a_rows[i] = block.a_row(first_row() + kStep * i);
    UNROLL
    for (int i = 0; i < count<T::n>(); ++i) b_rows[i] = block.b_row(first_row() + kStep * i);
    auto loaded = block.at(first);
    float4 a[4 * count<T::m>()], b[4 * count<T::n>()];
    const auto load = [&] {
      load_tile<T::m>([&](int k) { return block.a_line(loaded, k); }, a_rows, a);
      load_tile<T::n>([&](int k) { return block.b_line(loaded, k); }, b_rows, b);
      block.advance(loaded);
    };
    const auto store = [&](unsigned char* stage) {
      store_tile<T::m>(a, stage);
      store_tile<T::n>(b, stage + T::m * kRowBytes);
    };
    load();
    store(stages);
    if (first + 1 < end) load();
    Sums::hold(sum);
    unsigned char* stage = stages;
    LOOP
    for (int chunk = first; chunk < end; ++chunk) {
      warpgroup_wait<1>();  // a store fills the stage of the chunk before the last
      fence_for_products();
      __syncthreads();  // this chunk is there for all threads, and none multiplies the stage that is filled next
      Sums::begin_products(stage, sum);
      stage = Sums::next(stage, stages);
      if (chunk + 1 < end) store(stage);
      if (chunk + 2 < end) load();
    }
    Sums::end(sum);
  }

 private:
  __device__ static int lane() { return static_cast<int>(threadIdx.x) % 32; }
  __device__ static int warp() { return static_cast<int>(threadIdx.x) / 32; }
  __device__ static int own_k() { return (warp() % 2 * 4 + lane() % 4) * 4; }
  // A thread's first of four rows; the next; how many fours.
  __device__ static int first_row() { return (warp() / 2 * 8 + lane() / 4) * 4; }
  static constexpr int kStep = T::threads / 2;
  template <int MN>
  HD static constexpr int count() {
    return MN > kStep ? MN / kStep : 1;
  }
  // Squares of a small tile are fewer than threads.
  template <int MN>
  __device__ static bool takes_part() {
    return MN >= kStep || first_row() < MN;
  }

  template <int MN, int Count, class F, class Row>
  __device__ static void load_tile(const F& line, const Row& rows, float4 (&x)[Count]) {
    if (!takes_part<MN>()) return;
    UNROLL
    for (int j = 0; j < 4; ++j) {
      const auto of = line(own_k() + j);
      UNROLL
      for (int i = 0; i < Count / 4; ++i) {
        const auto e = of(rows[i]);
        x[4 * i + j] = e.is ? read_four(e.at) : make_float4(0, 0, 0, 0);
      }
    }
  }
  template <int MN, int Count>
  __device__ static void store_tile(const float4 (&x)[Count], unsigned char* tile) {
    if (!takes_part<MN>()) return;
    const auto store = [&](int row, float4 v) {
      *reinterpret_cast<float4*>(tile + swizzled(row, own_k() * static_cast<int>(sizeof(float)))) = v;
    };
    UNROLL
    for (int i = 0; i < Count / 4; ++i) {
      const float4* const s = x + 4 * i;
      const int row = first_row() + kStep * i;
      store(row, make_float4(s[0].x, s[1].x, s[2].x, s[3].x));
      store(row + 1, make_float4(s[0].y, s[1].y, s[2].y, s[3].y));
      store(row + 2, make_float4(s[0].z, s[1].z, s[2].z, s[3].z));
      store(row + 3, make_float4(s[0].w, s[1].w, s[2].w, s[3].w));
    }
  }
};

}  // namespace snag
