#pragma once
// What a block does with a chunk of its operands in shared memory: a tile of sums, in FP32 units or on tensor cores.
#include "kernels/cuda/fours.cuh"
#include "kernels/cuda/mma.cuh"

namespace snag {

constexpr int kTileK = 32;

// M x N sums by each of `Teams` teams, which share the products of a chunk: where a block is alone, what counts is how
// long a chunk takes. Each warp takes 32 columns. Larger tiles read less for each product, smaller ones are more.
// `Resident` blocks of `Threads` share a multiprocessor; copies run `Stages` - 1 chunks ahead.
template <int M, int N, int Threads, int Resident, int Stages, int Teams = 1>
struct Tile {
  using Scalar = float;
  static constexpr int m = M, n = N, k = kTileK, threads = Threads, resident = Resident, stages = Stages, teams = Teams;
  static constexpr int team = Threads / Teams;                               // threads
  static constexpr int sums = M * N / team;                                  // of a thread
  static constexpr int warps = N / 32, warp_rows = M / (team / 32 / warps);  // side by side; rows of each
  static constexpr int depth = kTileK / Teams;                               // of a chunk, that a team takes
  __device__ static int own_team() { return static_cast<int>(threadIdx.x) / team; }
  __device__ static int own_thread() { return static_cast<int>(threadIdx.x) % team; }
};
using SmallTile = Tile<64, 64, 256, 2, 3, 2>;
using TallTile = Tile<128, 64, 128, 2, 4>;
using LargeTile = Tile<128, 128, 256, 1, 4>;

// How an operand [mn, k] lies in shared memory: its neighbours along k side by side, or those along m or n; in pieces
// of four floats, permuted so that threads that load together meet different banks.
enum class Along { k, mn };
template <Along A, int MN>
__device__ inline int tile_at(int mn, int k) {
  if constexpr (A == Along::k)
    return mn * kTileK + ((k / 4) ^ (mn / 4 % 2 * 4 + mn / 8 % 4)) * 4 + k % 4;
  else
    return k * MN + ((mn / 4) ^ (k / 4 % 4 * 2)) * 4 + mn % 4;
}

// x[i][j]: element (mn + i, k + j); mn and k are multiples of four.
template <Along A, int MN>
__device__ inline void load_square(const float* tile, int mn, int k, float (&x)[4][4]) {
  UNROLL
  for (int i = 0; i < 4; ++i) {
    const float4 v = four(tile, A == Along::k ? tile_at<A, MN>(mn + i, k) : tile_at<A, MN>(mn, k + i));
    const float values[4] = {v.x, v.y, v.z, v.w};
    UNROLL
    for (int j = 0; j < 4; ++j) (A == Along::k ? x[i][j] : x[j][i]) = values[j];
  }
}

// A Math:
//   resident             blocks that share a multiprocessor: T's, or fewer where sums and operands fill registers
//   multiply(a_tile, b_tile, sum, meanwhile)
//                        adds the products of a chunk to the thread's sums; calls meanwhile(0) and meanwhile(1) where it
//                        waits for operands
//   each_four(sum, f)    f(row, column, float4) for each four neighbours of a row among them; the first team does it,
//                        whose sums are those of all after add_teams

// `memory`: shared, free after a barrier. Left to be read: a barrier comes before it is written again.
template <class T>
__device__ inline void add_teams(float* memory, float (&sum)[T::sums]) {
  if constexpr (T::teams > 1) {
    static_assert(T::teams == 2);
    __syncthreads();
    if (T::own_team() == 1) UNROLL
    for (int i = 0; i < T::sums; ++i) memory[i * T::team + T::own_thread()] = sum[i];
    __syncthreads();
    if (T::own_team() == 0) UNROLL
    for (int i = 0; i < T::sums; ++i) sum[i] += memory[i * T::team + T::own_thread()];
  }
}

// IEEE float: rows 4 ty .. 4 ty + 3 of each band of rows, columns 4 tx .. 4 tx + 3 of each 64.
template <class T, Along A, Along B>
struct MathFp32 {
  static constexpr int bands = T::m / (T::team / 4), quads = T::n / 64, resident = T::resident;
  static_assert(16 * bands * quads == T::sums);
  // Of k, whose operands may be on their way at once. Code for sm_80 would spill with teams and 8.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
  static constexpr int ahead = T::teams > 1 ? 4 : 8;
#else
  static constexpr int ahead = 8;
#endif
  __device__ static int row(int band) { return T::team / 4 * band + T::own_thread() / 16 * 4; }
  __device__ static int column(int quad) { return 64 * quad + T::own_thread() % 16 * 4; }

  template <class F>
  __device__ static void multiply(const float* a_tile, const float* b_tile, float (&sum)[T::sums], const F& meanwhile) {
    meanwhile(0), meanwhile(1);
    const int first = T::own_team() * T::depth;
    LOOP
    for (int k0 = first; k0 < first + T::depth; k0 += ahead) UNROLL
    for (int k = k0; k < k0 + ahead; k += 4) {
      float a[bands][4][4];
      UNROLL
      for (int i = 0; i < bands; ++i) load_square<A, T::m>(a_tile, row(i), k, a[i]);
      UNROLL
      for (int j = 0; j < quads; ++j) {
        float b[4][4];
        load_square<B, T::n>(b_tile, column(j), k, b);
        UNROLL
        for (int kk = 0; kk < 4; ++kk) UNROLL
        for (int i = 0; i < bands; ++i) UNROLL
        for (int r = 0; r < 4; ++r) UNROLL
        for (int c = 0; c < 4; ++c) {
          float& s = sum[((i * 4 + r) * quads + j) * 4 + c];
          s = fmaf(a[i][r][kk], b[c][kk], s);
        }
      }
    }
  }
  template <class F>
  __device__ static void each_four(const float (&sum)[T::sums], const F& f) {
    if (T::own_team() != 0) return;
    UNROLL
    for (int i = 0; i < bands; ++i) UNROLL
    for (int r = 0; r < 4; ++r) UNROLL
    for (int j = 0; j < quads; ++j) {
      const float* s = sum + ((i * 4 + r) * quads + j) * 4;
      f(row(i) + r, column(j), make_float4(s[0], s[1], s[2], s[3]));
    }
  }
};

// Tensor cores: a warp computes fragments of 16 x 8. Which rows, columns and products of the tile these are is free as
// long as both operands agree: here lane (g, t) of the warp loads squares of four, rows (columns) 4g .. 4g + 3 at
// k = 4t .. 4t + 3. So fragment row g of half h of fragment i is row 4g + 2i + h of 32, fragment column c of fragment j
// is column 4c + j. Mma says how a square's four along k are brought to the fragments.
template <class T, Along A, Along B, class Mma>
struct MathTensor {
  static constexpr int bands = T::warp_rows / 32, resident = T::resident;
  static_assert(32 * bands == T::sums);
  __device__ static int lane() { return static_cast<int>(threadIdx.x) % 32; }
  __device__ static int warp() { return T::own_thread() / 32; }
  __device__ static int row(int band) { return warp() / T::warps * T::warp_rows + 32 * band; }
  __device__ static int column() { return warp() % T::warps * 32; }

  template <class F>
  __device__ static void multiply(const float* a_tile, const float* b_tile, float (&sum)[T::sums], const F& meanwhile) {
    const auto step = [&](int k) {
      const int g = lane() / 4, t = lane() % 4;
      float x[4][4], y[bands][4][4];
      load_square<B, T::n>(b_tile, column() + 4 * g, k + 4 * t, x);
      UNROLL
      for (int band = 0; band < bands; ++band) load_square<A, T::m>(a_tile, row(band) + 4 * g, k + 4 * t, y[band]);
      if constexpr (T::teams > 1)
        meanwhile(0), meanwhile(1);
      else
        meanwhile(k / 16);
      typename Mma::Operand b[4];
      UNROLL
      for (int j = 0; j < 4; ++j) b[j] = Mma::operand(x[j]);
      UNROLL
      for (int band = 0; band < bands; ++band) {
        UNROLL
        for (int i = 0; i < 2; ++i) {
          const typename Mma::Operand low = Mma::operand(y[band][2 * i]), high = Mma::operand(y[band][2 * i + 1]);
          UNROLL
          for (int j = 0; j < 4; ++j)
            Mma::multiply(reinterpret_cast<float(&)[4]>(sum[((band * 2 + i) * 4 + j) * 4]), low, high, b[j]);
        }
      }
    };
    static_assert(T::depth % 16 == 0);
    UNROLL
    for (int k = 0; k < T::depth; k += 16) step(T::own_team() * T::depth + k);
  }
  // A lane has eight columns, and two lanes hand each other four: so neighbours store what is a neighbour, 32 bytes.
  template <class F>
  __device__ static void each_four(const float (&sum)[T::sums], const F& f) {
    if (T::own_team() != 0) return;
    const bool odd = lane() % 2 == 1;
    const int first = column() + lane() % 4 / 2 * 16 + (odd ? 4 : 0);
    UNROLL
    for (int i = 0; i < 2 * bands; ++i) UNROLL
    for (int half = 0; half < 2; ++half) {
      const float* const s = sum + 16 * i + 2 * half;
      const float4 low = make_float4(s[0], s[4], s[8], s[12]), high = make_float4(s[1], s[5], s[9], s[13]);
      const float4 other = from_neighbour(odd ? low : high);
      const int at = row(i / 2) + lane() / 4 * 4 + i % 2 * 2 + half;
      f(at, first, odd ? other : low);
      f(at, first + 8, odd ? high : other);
    }
  }

 private:
  __device__ static float4 from_neighbour(float4 v) {
    constexpr unsigned all = 0xffffffffu;
    return make_float4(__shfl_xor_sync(all, v.x, 1), __shfl_xor_sync(all, v.y, 1), __shfl_xor_sync(all, v.z, 1),
                       __shfl_xor_sync(all, v.w, 1));
  }
};

struct MmaTf32 {
  struct Operand {
    unsigned k[4];
  };
  // The units drop 13 bits. ln 2 / 2^11 of a value is half of its last bit that stays, on average over mantissas, so
  // sums keep no bias. One multiplication, which keeps NaN: the instruction that rounds to nearest takes four.
  __device__ static unsigned rounded(float x) { return __float_as_uint(x * (1 + 0.693147f / 2048)); }
  __device__ static Operand operand(const float (&x)[4]) {
    return {{rounded(x[0]), rounded(x[1]), rounded(x[2]), rounded(x[3])}};
  }
  __device__ static void multiply(float (&d)[4], const Operand& low, const Operand& high, const Operand& b) {
    UNROLL
    for (int k = 0; k < 4; k += 2) {
      const unsigned of_a[4] = {low.k[k], high.k[k], low.k[k + 1], high.k[k + 1]}, of_b[2] = {b.k[k], b.k[k + 1]};
      mma_tf32(d, of_a, of_b);
    }
  }
};
// Operands rounded to bfloat16, sums in float.
struct MmaBf16 {
  struct Operand {
    unsigned k[2];  // pairs
  };
  __device__ static Operand operand(const float (&x)[4]) { return {{pack_bf16(x[0], x[1]), pack_bf16(x[2], x[3])}}; }
  __device__ static void multiply(float (&d)[4], const Operand& low, const Operand& high, const Operand& b) {
    const unsigned of_a[4] = {low.k[0], high.k[0], low.k[1], high.k[1]};
    mma_bf16(d, of_a, b.k);
  }
};
template <class T, Along A, Along B>
using MathTf32 = MathTensor<T, A, B, MmaTf32>;
template <class T, Along A, Along B>
using MathBf16 = MathTensor<T, A, B, MmaBf16>;

}  // namespace snag
