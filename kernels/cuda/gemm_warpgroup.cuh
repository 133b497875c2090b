#pragma once
// A block's tile of sums by one warpgroup or two, on tensor cores of sm_90a, which read both operands from shared
// memory with k side by side, while threads bring the next chunks there. Floats that lie so in memory are copied; what
// is to be turned or to become BF16 is loaded into registers, turned in squares, and stored.
#include "kernels/cuda/gemm_math.cuh"
#include "kernels/cuda/warpgroup.cuh"

namespace snag {

// 128 rows of M for each warpgroup. `Resident` blocks share a multiprocessor.
template <int M, int N, int Resident>
struct WarpgroupTile {
  static constexpr int m = M, n = N, threads = M, resident = Resident;
  static constexpr int sums = m * n / threads;  // of a thread
};
using WideTile = WarpgroupTile<128, 128, 2>;
using HugeTile = WarpgroupTile<256, 128, 1>;
using LongTile = WarpgroupTile<256, 64, 1>;

// Form says what tensor cores are given: TF32 as floats, the values as they are in memory; BF16 in halves of words.
template <class T, Along A, Along B, class Form>
struct MathWarpgroup {
  template <Along Side>
  static constexpr bool kCopied = Side == Along::k && Form::as_is;
  static constexpr bool kCopies = kCopied<A> || kCopied<B>;
  static constexpr int kStages = 3;
  static constexpr int row_bytes = kTileK * Form::bytes, stage_bytes = (T::m + T::n) * row_bytes;
  static constexpr std::size_t shared = kStages * stage_bytes + kSwizzleAlignment;
  static constexpr int resident = T::resident, half = T::n / 2;  // sums of 64 rows, that a warpgroup has
  static constexpr int blocks = T::sums / half;

  template <class Block>
  __device__ static void multiply(const Block& block, int first, int end, float* memory, float (&sum)[T::sums]) {
    if (first >= end) return;
    const auto address = reinterpret_cast<std::uintptr_t>(memory);
    auto* const stages = reinterpret_cast<unsigned char*>(memory) + (0 - address) % kSwizzleAlignment;
    // Of the rows that this thread loads.
    decltype(block.a_row(0)) a_rows[count<A, T::m>()];
    decltype(block.b_row(0)) b_rows[count<B, T::n>()];
    UNROLL
    for (int i = 0; i < count<A, T::m>(); ++i) a_rows[i] = block.a_row(first_row<A>() + step<A>() * i);
    UNROLL
    for (int i = 0; i < count<B, T::n>(); ++i) b_rows[i] = block.b_row(first_row<B>() + step<B>() * i);
    const auto next = [&](auto* stage) {
      return stage == stages + (kStages - 1) * stage_bytes ? stages : stage + stage_bytes;
    };

    // What goes through registers is loaded two chunks ahead and stored one ahead.
    auto loaded = block.at(first), copied = loaded;
    int loads = first, copies = first;
    unsigned char *store_to = stages, *copy_to = stages;
    float4 a[fours<A, T::m>()], b[fours<B, T::n>()];
    const auto load = [&] {
      if (loads++ >= end) return;
      if constexpr (!kCopied<A>) load_tile<A, T::m>([&](int k) { return block.a_line(loaded, k); }, a_rows, a);
      if constexpr (!kCopied<B>) load_tile<B, T::n>([&](int k) { return block.b_line(loaded, k); }, b_rows, b);
      block.advance(loaded);
    };
    const auto store = [&] {
      if constexpr (!kCopied<A>) store_tile<A, T::m>(a, store_to);
      if constexpr (!kCopied<B>) store_tile<B, T::n>(b, store_to + T::m * row_bytes);
      store_to = next(store_to);
    };
    // Copies begin two chunks ahead; where from is worked out before, while the thread would wait for products.
    decltype(block.a_line(copied, 0)) a_line;
    decltype(block.b_line(copied, 0)) b_line;
    const auto aim = [&] {
      if constexpr (kCopied<A>) a_line = block.a_line(copied, own_k<A>());
      if constexpr (kCopied<B>) b_line = block.b_line(copied, own_k<B>());
      block.advance(copied);
    };
    const auto copy = [&] {
      if (copies++ < end) {
        if constexpr (kCopied<A>) copy_tile<true>(a_line, a_rows, copy_to);
        if constexpr (kCopied<B>) copy_tile<false>(b_line, b_rows, copy_to + T::m * row_bytes);
      }
      cp_async_commit();
      copy_to = next(copy_to);
    };
    for (int i = 0; i < kStages - 1; ++i) aim(), copy();
    load();
    store();
    load();
    UNROLL
    for (int i = 0; i < T::sums; ++i) hold_sum(sum[i]);
    unsigned char* stage = stages;
    LOOP
    for (int chunk = first; chunk < end; ++chunk) {
      aim();
      cp_async_wait<kStages - 2>();
      // A copy fills the stage of the chunk before, a store that of the one before it.
      warpgroup_wait<kCopies ? 0 : 1>();
      fence_for_products();
      __syncthreads();  // this chunk is there for all threads, and none multiplies the stage that is filled next
      warpgroup_begin();
      add_products(stage, sum);
      warpgroup_commit();
      copy();
      if (chunk + 1 < end) store();
      load();
      stage = next(stage);
    }
    cp_async_wait<0>();
    warpgroup_wait<0>();
    UNROLL
    for (int i = 0; i < T::sums; ++i) hold_sum(sum[i]);
    UNROLL
    for (int i = 0; i < T::sums; ++i) sum[i] *= Form::unbiased;
  }

  // A lane has pairs of columns of two rows; two lanes hand each other one, and have four columns of a row each.
  template <class F>
  __device__ static void each_four(const float (&sum)[T::sums], const F& f) {
    const bool odd = lane() % 2 == 1;
    UNROLL
    for (int i = 0; i < blocks; ++i) UNROLL
    for (int j = 0; j < T::n / 8; ++j) {
      const float* const s = sum + half * i + 4 * j;
      const float given[2] = {odd ? s[0] : s[2], odd ? s[1] : s[3]}, kept[2] = {odd ? s[2] : s[0], odd ? s[3] : s[1]};
      const float got[2] = {__shfl_xor_sync(0xffffffffu, given[0], 1), __shfl_xor_sync(0xffffffffu, given[1], 1)};
      f(row(i) + warp() % 4 * 16 + lane() / 4 + (odd ? 8 : 0), 8 * j + lane() % 4 / 2 * 4,
        odd ? make_float4(got[0], got[1], kept[0], kept[1]) : make_float4(kept[0], kept[1], got[0], got[1]));
    }
  }

 private:
  __device__ static int lane() { return static_cast<int>(threadIdx.x) % 32; }
  __device__ static int warp() { return static_cast<int>(threadIdx.x) / 32; }
  __device__ static int row(int block) { return (warp() / 4 * blocks + block) * 64; }

  __device__ static void add_products(const unsigned char* stage, float (&sum)[T::sums]) {
    const SharedMatrix a = shared_matrix<row_bytes>(stage + row(0) * row_bytes),
                       b = shared_matrix<row_bytes>(stage + T::m * row_bytes);
    UNROLL
    for (int k = 0; k < row_bytes; k += 32) UNROLL
    for (int i = 0; i < blocks; ++i)
      Form::multiply(reinterpret_cast<float(&)[half]>(sum[half * i]), a.moved(64 * i * row_bytes + k), b.moved(k));
  }

  // Eight threads have the 32 of k. Where its neighbours in memory are those along m or n, a thread has squares of four
  // by four, and eight threads of a warp read one stretch of 128 bytes.
  static constexpr int kPass = T::threads / 8;  // of m or n, that threads load at once
  template <Along Side>
  __device__ static int own_k() {
    return Side == Along::k ? lane() % 8 * 4 : (warp() % 2 * 4 + lane() % 4) * 4;
  }
  // A thread's first row, or its first of four; the next; how many.
  template <Along Side>
  __device__ static int first_row() {
    return Side == Along::k ? static_cast<int>(threadIdx.x) / 8 : (warp() / 2 * 8 + lane() / 4) * 4;
  }
  template <Along Side>
  HD static constexpr int step() {
    return Side == Along::k ? kPass : 4 * kPass;
  }
  template <Along Side, int MN>
  HD static constexpr int count() {
    return MN > step<Side>() ? MN / step<Side>() : 1;
  }
  template <Along Side, int MN>
  HD static constexpr int fours() {
    return Side == Along::k ? count<Side, MN>() : 4 * count<Side, MN>();
  }
  // Squares of a small tile are fewer than threads.
  template <Along Side, int MN>
  __device__ static bool takes_part() {
    return MN >= step<Side>() || first_row<Side>() < MN;
  }

  template <bool Again, int Count, class Line, class Row>
  __device__ static void copy_tile(const Line& of, const Row (&rows)[Count], unsigned char* tile) {
    constexpr Along side = Along::k;
    UNROLL
    for (int i = 0; i < Count; ++i) {
      const auto e = of(rows[i]);
      unsigned char* to = tile + swizzled<row_bytes>(first_row<side>() + step<side>() * i, own_k<side>() * Form::bytes);
      if constexpr (Again)
        cp_async_16_cached(to, e.at, e.is);
      else
        cp_async_16(to, e.at, e.is);
    }
  }
  template <Along Side, int MN, int Count, class F, class Row>
  __device__ static void load_tile(const F& line, const Row& rows, float4 (&x)[Count]) {
    if (!takes_part<Side, MN>()) return;
    if constexpr (Side == Along::k) {
      const auto of = line(own_k<Side>());
      UNROLL
      for (int i = 0; i < Count; ++i) x[i] = read(of(rows[i]));
    } else {
      UNROLL
      for (int j = 0; j < 4; ++j) {
        const auto of = line(own_k<Side>() + j);
        UNROLL
        for (int i = 0; i < Count / 4; ++i) x[4 * i + j] = read(of(rows[i]));
      }
    }
  }
  template <class E>
  __device__ static float4 read(const E& e) {
    return e.is ? read_four(e.at) : make_float4(0, 0, 0, 0);
  }
  template <Along Side, int MN, int Count>
  __device__ static void store_tile(const float4 (&x)[Count], unsigned char* tile) {
    if (!takes_part<Side, MN>()) return;
    const auto store = [&](int row, float4 v) {
      Form::store(v, tile + swizzled<row_bytes>(row, own_k<Side>() * Form::bytes));
    };
    if constexpr (Side == Along::k) {
      UNROLL
      for (int i = 0; i < Count; ++i) store(first_row<Side>() + step<Side>() * i, x[i]);
    } else {
      UNROLL
      for (int i = 0; i < Count / 4; ++i) {
        const float4* const s = x + 4 * i;
        const int row = first_row<Side>() + step<Side>() * i;
        store(row, make_float4(s[0].x, s[1].x, s[2].x, s[3].x));
        store(row + 1, make_float4(s[0].y, s[1].y, s[2].y, s[3].y));
        store(row + 2, make_float4(s[0].z, s[1].z, s[2].z, s[3].z));
        store(row + 3, make_float4(s[0].w, s[1].w, s[2].w, s[3].w));
      }
    }
  }
};

// The units drop 13 bits of each factor, which makes a product smaller by 2 ln 2 / 2^11 of it, on average over
// mantissas: the sums make up for it.
struct WarpgroupTf32 {
  static constexpr int bytes = 4;
  static constexpr bool as_is = true;
  static constexpr float unbiased = (1 + 0.693147f / 2048) * (1 + 0.693147f / 2048);
  __device__ static void store(float4 v, unsigned char* to) { *reinterpret_cast<float4*>(to) = v; }
  template <int Half>
  __device__ static void multiply(float (&d)[Half], SharedMatrix a, SharedMatrix b) {
    warpgroup_tf32(d, a, b);
  }
};
struct WarpgroupBf16 {
  static constexpr int bytes = 2;
  static constexpr bool as_is = false;
  static constexpr float unbiased = 1;
  __device__ static void store(float4 v, unsigned char* to) {
    *reinterpret_cast<uint2*>(to) = make_uint2(pack_bf16(v.x, v.y), pack_bf16(v.z, v.w));
  }
  template <int Half>
  __device__ static void multiply(float (&d)[Half], SharedMatrix a, SharedMatrix b) {
    warpgroup_bf16(d, a, b);
  }
};
template <class T, Along A, Along B>
using MathWarpgroupTf32 = MathWarpgroup<T, A, B, WarpgroupTf32>;
template <class T, Along A, Along B>
using MathWarpgroupBf16 = MathWarpgroup<T, A, B, WarpgroupBf16>;

template <class T>
concept ForWarpgroups = std::is_same_v<T, WarpgroupTile<T::m, T::n, T::resident>>;

}  // namespace snag
