#include "kernels/cuda/one_channel.h"

#include <algorithm>
#include <cstdint>

#include "kernels/cuda/last_block.cuh"

namespace snag {
namespace {

constexpr int kBlock = 256;
constexpr int kTaps = 16;  // 4x4 kernels, stride 2, padding 1: the ones that meet the image

bool fits(ConstView big, ConstView small, Conv g) {
  return big.shape.c == 1 && g.kernel == 4 && g.stride == 2 && g.pad == 1 && small.shape.c % 4 == 0 &&
         small.shape.c <= 1024 && reinterpret_cast<std::uintptr_t>(small.data) % 16 == 0;
}

// The weights [o][tap] as [tap][o]: neighbouring threads read neighbouring banks.
__device__ inline void load_weights(const float* w, int channels, float* to) {
  for (int i = static_cast<int>(threadIdx.x); i < channels * kTaps; i += kBlock)
    to[i % kTaps * channels + i / kTaps] = w[i];
  __syncthreads();
}

// What the 4x4 window at small pixel (p, q) sees of a one-channel image.
__device__ inline void load_window(const float* image, Shape big, int p, int q, float (&to)[kTaps]) {
  UNROLL
  for (int i = 0; i < kTaps; ++i) {
    const int y = 2 * p + i / 4 - 1, x = 2 * q + i % 4 - 1;
    to[i] = y >= 0 && y < big.h && x >= 0 && x < big.w ? image[y * big.w + x] : 0.0f;
  }
}

// One thread: four channels of one pixel.
__global__ void __launch_bounds__(kBlock) down(ConvDown k) {
  DYN_SHARED(float, w);
  const int channels = k.small.shape.c, quads = channels / 4;
  load_weights(k.w.data, channels, w);
  const std::int64_t i = std::int64_t{blockIdx.x} * kBlock + threadIdx.x;
  const int pixel = static_cast<int>(i / quads), o = static_cast<int>(i % quads) * 4;
  if (pixel >= k.small.shape.pixels()) return;
  const int per_image = k.small.shape.h * k.small.shape.w, n = pixel / per_image, at = pixel % per_image;
  float window[kTaps];
  load_window(k.big.data + n * k.big.shape.image(), k.big.shape, at / k.small.shape.w, at % k.small.shape.w, window);
  float4 sum = make_float4(0, 0, 0, 0);
  UNROLL
  for (int t = 0; t < kTaps; ++t) {
    const float4 wt = *reinterpret_cast<const float4*>(w + t * channels + o);
    sum.x = fmaf(window[t], wt.x, sum.x);
    sum.y = fmaf(window[t], wt.y, sum.y);
    sum.z = fmaf(window[t], wt.z, sum.z);
    sum.w = fmaf(window[t], wt.w, sum.w);
  }
  *reinterpret_cast<float4*>(k.small.data + std::int64_t{pixel} * channels + o) = sum;
}

// One warp: the four outputs (2p-1 or 2p, 2q-1 or 2q) that hear small pixels (p-1 or p, q-1 or q), each through a tap
// of its own; p = 0 .. h, q = 0 .. w. Lanes go over channels.
__global__ void __launch_bounds__(kBlock) up(ConvUp k) {
  DYN_SHARED(float, w);
  const Shape small = k.small.shape, big = k.big.shape;
  load_weights(k.w.data, small.c, w);
  const int lane = static_cast<int>(threadIdx.x) % 32, columns = small.w + 1, per_image = (small.h + 1) * columns;
  const int corner = static_cast<int>(blockIdx.x) * (kBlock / 32) + static_cast<int>(threadIdx.x) / 32;
  const int n = corner / per_image, p = corner % per_image / columns, q = corner % columns;
  if (n >= big.n) return;  // a whole warp
  float sum[2][2] = {};
  for (int o = lane; o < small.c; o += 32) UNROLL
  for (int i = 0; i < 4; ++i) {
    const int pp = p - 1 + i / 2, qq = q - 1 + i % 2;
    if (pp < 0 || pp >= small.h || qq < 0 || qq >= small.w) continue;
    const float s = k.small.data[(std::int64_t{n * small.h + pp} * small.w + qq) * small.c + o];
    UNROLL
    for (int j = 0; j < 4; ++j) {
      // output (2p - 1 + j / 2, 2q - 1 + j % 2) through tap r = y + 1 - 2 pp
      const int r = j / 2 + 2 - 2 * (i / 2), t = j % 2 + 2 - 2 * (i % 2);
      sum[j / 2][j % 2] = fmaf(s, w[(r * 4 + t) * small.c + o], sum[j / 2][j % 2]);
    }
  }
  UNROLL
  for (int j = 0; j < 4; ++j) {
    float s = sum[j / 2][j % 2];
    for (int d = 16; d > 0; d /= 2) s += __shfl_xor_sync(0xffffffffu, s, d);
    const int y = 2 * p - 1 + j / 2, x = 2 * q - 1 + j % 2;
    if (lane == 0 && y >= 0 && y < big.h && x >= 0 && x < big.w) k.big.data[(n * big.h + y) * big.w + x] = s;
  }
}

// One block: 32 channels and every eighth pixel of its share for each warp; sums are added warp by warp, then share by
// share, by the block that comes last.
__global__ void __launch_bounds__(kBlock) weight(ConvWeight k, float* partial, unsigned* tickets, int per_share) {
  SHARED(float, sums, [kBlock / 32][kTaps][32]);
  const Shape small = k.small.shape;
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int o = static_cast<int>(blockIdx.x) * 32 + lane, per_image = small.h * small.w;
  const int begin = static_cast<int>(blockIdx.y) * per_share,
            end = begin + per_share < small.pixels() ? begin + per_share : small.pixels();
  float sum[kTaps] = {};
  for (int pixel = begin + warp; pixel < end; pixel += kBlock / 32) {
    const int n = pixel / per_image, at = pixel % per_image;
    float window[kTaps];
    load_window(k.big.data + n * k.big.shape.image(), k.big.shape, at / small.w, at % small.w, window);
    const float s = o < small.c ? k.small.data[std::int64_t{pixel} * small.c + o] : 0.0f;
    UNROLL
    for (int t = 0; t < kTaps; ++t) sum[t] = fmaf(window[t], s, sum[t]);
  }
  UNROLL
  for (int t = 0; t < kTaps; ++t) sums[warp][t][lane] = sum[t];
  __syncthreads();
  float* own = partial + (std::size_t{blockIdx.y} * gridDim.x + blockIdx.x) * kTaps * 32;
  for (int i = static_cast<int>(threadIdx.x); i < kTaps * 32; i += kBlock) {
    float s = 0;
    for (int j = 0; j < kBlock / 32; ++j) s += sums[j][i / 32][i % 32];
    own[i] = s;
  }
  if (!last_block(tickets + blockIdx.x, gridDim.y)) return;
  for (int i = static_cast<int>(threadIdx.x); i < kTaps * 32; i += kBlock) {
    float s = 0;
    for (unsigned share = 0; share < gridDim.y; ++share)
      s += partial[(std::size_t{share} * gridDim.x + blockIdx.x) * kTaps * 32 + static_cast<std::size_t>(i)];
    const int channel = static_cast<int>(blockIdx.x) * 32 + i % 32;
    if (channel < small.c) k.dw.data[channel * kTaps + i / 32] = s;
  }
}

std::size_t weight_bytes(int channels) { return sizeof(float) * kTaps * static_cast<std::size_t>(channels); }
dim3 grid_of(std::int64_t threads) { return dim3(static_cast<unsigned>((threads + kBlock - 1) / kBlock)); }

}  // namespace

bool launch_one_channel(Cuda& cuda, const ConvDown& k) {
  if (!fits(k.big, k.small, k.g)) return false;
  launch(down, grid_of(std::int64_t{k.small.shape.pixels()} * (k.small.shape.c / 4)), dim3(kBlock),
         weight_bytes(k.small.shape.c), cuda.stream, k);
  return true;
}

bool launch_one_channel(Cuda& cuda, const ConvUp& k) {
  if (!fits(k.big, k.small, k.g)) return false;
  const std::int64_t corners = std::int64_t{k.small.shape.n} * (k.small.shape.h + 1) * (k.small.shape.w + 1);
  launch(up, grid_of(corners * 32), dim3(kBlock), weight_bytes(k.small.shape.c), cuda.stream, k);
  return true;
}

bool launch_one_channel(Cuda& cuda, const ConvWeight& k) {
  if (!fits(k.big, k.small, k.g)) return false;
  const int tiles = ceil_div(k.small.shape.c, 32), pixels = k.small.shape.pixels();
  const int shares = std::min(ceil_div(pixels, 32), ceil_div(4 * cuda.multiprocessors, tiles));
  const int per_share = ceil_div(pixels, shares);
  launch(weight, dim3(static_cast<unsigned>(tiles), static_cast<unsigned>(ceil_div(pixels, per_share))), dim3(kBlock),
         0, cuda.stream, k, cuda.workspace, cuda.tickets, per_share);
  return true;
}

}  // namespace snag
