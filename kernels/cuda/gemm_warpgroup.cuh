#pragma once
// A block's tile of sums by one warpgroup or two, on tensor cores of sm_90a, which read both operands from shared
// memory with k side by side, whichever way it lies in memory: threads load a chunk into registers while the one before
// is multiplied, round it, turn it where need be, and store it. So memory, registers and tensor cores are busy at once.
#include "kernels/cuda/gemm_math.cuh"
#include "kernels/cuda/warpgroup.cuh"

namespace snag {

// 128 rows of M for each warpgroup. `Resident` blocks share a multiprocessor.
template <int M, int Resident>
struct WarpgroupTile {
  static constexpr int m = M, n = 128, threads = M, resident = Resident;
  static constexpr int sums = m * n / threads;  // of a thread
};
using WideTile = WarpgroupTile<128, 2>;
using HugeTile = WarpgroupTile<256, 1>;

// Form says how values are brought to tensor cores: TF32 as floats, BF16 in halves of words.
template <class T, Along A, Along B, class Form>
struct MathWarpgroup {
  static constexpr int row_bytes = kTileK * Form::bytes, stage_bytes = (T::m + T::n) * row_bytes;
  static constexpr std::size_t shared = 3 * stage_bytes + kSwizzleAlignment;
  static constexpr int resident = T::resident, blocks = T::sums / 64;  // of 64 rows, that a warpgroup has

  template <class Block>
  __device__ static void multiply(const Block& block, int first, int end, float* memory, float (&sum)[T::sums]) {
    if (!kHasWarpgroups || first >= end) return;
    const auto address = reinterpret_cast<std::uintptr_t>(memory);
    auto* const stages = reinterpret_cast<unsigned char*>(memory) + (0 - address) % kSwizzleAlignment;
    // Of the rows that this thread loads.
    decltype(block.a_row(0)) a_rows[T::m / step<A>()];
    decltype(block.b_row(0)) b_rows[T::n / step<B>()];
    UNROLL
    for (int i = 0; i < T::m / step<A>(); ++i) a_rows[i] = block.a_row(first_row<A>() + step<A>() * i);
    UNROLL
    for (int i = 0; i < T::n / step<B>(); ++i) b_rows[i] = block.b_row(first_row<B>() + step<B>() * i);
    auto at = block.at(first);
    float4 a[T::m / kPass], b[T::n / kPass];
    const auto load = [&] {
      load_tile<A>([&](int k) { return block.a_line(at, k); }, a_rows, a);
      load_tile<B>([&](int k) { return block.b_line(at, k); }, b_rows, b);
      block.advance(at);
    };
    const auto store = [&](unsigned char* stage) {
      store_tile<A>(a, stage);
      store_tile<B>(b, stage + T::m * row_bytes);
    };
    load();
    store(stages);
    if (first + 1 < end) load();
    UNROLL
    for (int i = 0; i < T::sums; ++i) hold_sum(sum[i]);
    unsigned char* stage = stages;
    LOOP
    for (int chunk = first; chunk < end; ++chunk) {
      fence_for_products();
      __syncthreads();  // all threads have stored this chunk, and waited for the products of the stage that is next
      warpgroup_begin();
      add_products(stage, sum);
      warpgroup_commit();
      stage = stage == stages + 2 * stage_bytes ? stages : stage + stage_bytes;
      if (chunk + 1 < end) store(stage);
      if (chunk + 2 < end) load();
      warpgroup_wait<1>();
    }
    warpgroup_wait<0>();
    UNROLL
    for (int i = 0; i < T::sums; ++i) hold_sum(sum[i]);
  }

  // A lane has pairs of columns of two rows; two lanes hand each other one, and have four columns of a row each.
  template <class F>
  __device__ static void each_four(const float (&sum)[T::sums], const F& f) {
    const bool odd = lane() % 2 == 1;
    UNROLL
    for (int i = 0; i < blocks; ++i) UNROLL
    for (int j = 0; j < T::n / 8; ++j) {
      const float* const s = sum + 64 * i + 4 * j;
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
    UNROLL
    for (int k = 0; k < row_bytes; k += 32) {
      const SharedMatrix b = shared_matrix<row_bytes>(stage + T::m * row_bytes, k);
      UNROLL
      for (int i = 0; i < blocks; ++i)
        Form::multiply(reinterpret_cast<float(&)[64]>(sum[64 * i]),
                       shared_matrix<row_bytes>(stage + row(i) * row_bytes, k), b);
    }
  }

  // Eight threads have the 32 of k; where neighbours in memory are not neighbours along k, each loads squares.
  static constexpr int kPass = T::threads / 8;  // of m or n, that threads load at once
  __device__ static int own_k() { return static_cast<int>(threadIdx.x) % 8 * 4; }
  // A thread's rows, or its first of four.
  template <Along Side>
  __device__ static int first_row() {
    return static_cast<int>(threadIdx.x) / 8 * (Side == Along::k ? 1 : 4);
  }
  template <Along Side>
  HD static constexpr int step() {
    return Side == Along::k ? kPass : 4 * kPass;
  }
  template <Along Side, int Count, class F, class Row>
  __device__ static void load_tile(const F& line, const Row& rows, float4 (&x)[Count]) {
    if constexpr (Side == Along::k) {
      const auto of = line(own_k());
      UNROLL
      for (int i = 0; i < Count; ++i) x[i] = loaded(of(rows[i]));
    } else {
      UNROLL
      for (int j = 0; j < 4; ++j) {
        const auto of = line(own_k() + j);
        UNROLL
        for (int i = 0; i < Count / 4; ++i) x[4 * i + j] = loaded(of(rows[i]));
      }
    }
  }
  template <class E>
  __device__ static float4 loaded(const E& e) {
    return e.is ? read_four(e.at) : make_float4(0, 0, 0, 0);
  }
  template <Along Side, int Count>
  __device__ static void store_tile(const float4 (&x)[Count], unsigned char* tile) {
    const auto store = [&](int row, float4 v) {
      Form::store(v, tile + swizzled<row_bytes>(row, own_k() * Form::bytes));
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

struct WarpgroupTf32 {
  static constexpr int bytes = 4;
  __device__ static void store(float4 v, unsigned char* to) {
    const auto rounded = [](float x) { return __uint_as_float(MmaTf32::rounded(x)); };
    *reinterpret_cast<float4*>(to) = make_float4(rounded(v.x), rounded(v.y), rounded(v.z), rounded(v.w));
  }
  __device__ static void multiply(float (&d)[64], SharedMatrix a, SharedMatrix b) { warpgroup_tf32(d, a, b); }
};
struct WarpgroupBf16 {
  static constexpr int bytes = 2;
  __device__ static void store(float4 v, unsigned char* to) {
    *reinterpret_cast<uint2*>(to) = make_uint2(pack_bf16(v.x, v.y), pack_bf16(v.z, v.w));
  }
  __device__ static void multiply(float (&d)[64], SharedMatrix a, SharedMatrix b) { warpgroup_bf16(d, a, b); }
};
template <class T, Along A, Along B>
using MathWarpgroupTf32 = MathWarpgroup<T, A, B, WarpgroupTf32>;
template <class T, Along A, Along B>
using MathWarpgroupBf16 = MathWarpgroup<T, A, B, WarpgroupBf16>;

template <class T>
concept ForWarpgroups = std::is_same_v<T, WideTile> || std::is_same_v<T, HugeTile>;

}  // namespace snag
