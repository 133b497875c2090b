#pragma once
// What a block of gemm.cuh does with a stage of its tiles in shared memory: sum += a b, in each precision.
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/mma.cuh"

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

// ---- each thread holds 32 of the 64 x 64 sums: sum[i] is at (row(i), column(i))

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

}  // namespace snag
