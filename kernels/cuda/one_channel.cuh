#pragma once
#include <cstdint>

#include "kernels/cuda/last_block.cuh"
#include "kernels/cuda/work.cuh"

namespace snag {

constexpr int kImageBlock = 256;
constexpr int kImageTaps = 16;  // 4x4 kernels, stride 2, padding 1: the ones that meet the image

// The weights [o][tap] as [tap][o]: neighbouring threads read neighbouring banks.
__device__ inline void load_weights(const float* w, int channels, float* to) {
  for (int i = static_cast<int>(threadIdx.x); i < channels * kImageTaps; i += kImageBlock)
    to[i % kImageTaps * channels + i / kImageTaps] = w[i];
  __syncthreads();
}

// What the 4x4 window at small pixel (p, q) sees of a one-channel image.
__device__ inline void load_window(const float* image, Shape big, int p, int q, float (&to)[kImageTaps]) {
  UNROLL
  for (int i = 0; i < kImageTaps; ++i) {
    const int y = 2 * p + i / 4 - 1, x = 2 * q + i % 4 - 1;
    to[i] = y >= 0 && y < big.h && x >= 0 && x < big.w ? image[y * big.w + x] : 0.0f;
  }
}

// One thread: four channels of one pixel.
struct ImageDown {
  static constexpr int threads = kImageBlock, resident = 1;
  ConvDown k;
  Grid grid;
  __device__ void run(Place at) const {
    DYN_SHARED(float, w);
    const int channels = k.small.shape.c, quads = channels / 4;
    load_weights(k.w.data, channels, w);
    const std::int64_t i = std::int64_t{at.x} * kImageBlock + threadIdx.x;
    const int pixel = static_cast<int>(i / quads), o = static_cast<int>(i % quads) * 4;
    if (pixel >= k.small.shape.pixels()) return;
    const int per_image = k.small.shape.h * k.small.shape.w, n = pixel / per_image, inside = pixel % per_image;
    float window[kImageTaps];
    load_window(k.big.data + n * k.big.shape.image(), k.big.shape, inside / k.small.shape.w, inside % k.small.shape.w,
                window);
    float4 sum = make_float4(0, 0, 0, 0);
    UNROLL
    for (int t = 0; t < kImageTaps; ++t) {
      const float4 wt = *reinterpret_cast<const float4*>(w + t * channels + o);
      sum.x = fmaf(window[t], wt.x, sum.x);
      sum.y = fmaf(window[t], wt.y, sum.y);
      sum.z = fmaf(window[t], wt.z, sum.z);
      sum.w = fmaf(window[t], wt.w, sum.w);
    }
    *reinterpret_cast<float4*>(k.small.data + std::int64_t{pixel} * channels + o) = sum;
  }
};

// One warp: the four outputs (2p-1 or 2p, 2q-1 or 2q) that hear small pixels (p-1 or p, q-1 or q), each through a tap
// of its own; p = 0 .. h, q = 0 .. w. Lanes go over channels.
struct ImageUp {
  static constexpr int threads = kImageBlock, resident = 1;
  ConvUp k;
  Grid grid;
  __device__ void run(Place at) const {
    DYN_SHARED(float, w);
    const Shape small = k.small.shape, big = k.big.shape;
    load_weights(k.w.data, small.c, w);
    const int lane = static_cast<int>(threadIdx.x) % 32, columns = small.w + 1, per_image = (small.h + 1) * columns;
    const int corner = at.x * (kImageBlock / 32) + static_cast<int>(threadIdx.x) / 32;
    const int n = corner / per_image, p = corner % per_image / columns, q = corner % columns;
    if (n >= big.n) return;  // a whole warp
    float sum[2][2] = {};
    for (int i = 0; i < 4; ++i) {
      const int pp = p - 1 + i / 2, qq = q - 1 + i % 2;
      if (pp < 0 || pp >= small.h || qq < 0 || qq >= small.w) continue;
      // output (2p - 1 + j / 2, 2q - 1 + j % 2) through tap (j / 2 + 2 - 2 (i / 2), j % 2 + 2 - 2 (i % 2))
      const float* const pixel = k.small.data + (std::int64_t{n * small.h + pp} * small.w + qq) * small.c;
      const float* const taps = w + ((2 - 2 * (i / 2)) * 4 + 2 - 2 * (i % 2)) * small.c;
      for (int o = lane; o < small.c; o += 32) {
        const float s = pixel[o];
        UNROLL
        for (int j = 0; j < 4; ++j)
          sum[j / 2][j % 2] = fmaf(s, taps[(j / 2 * 4 + j % 2) * small.c + o], sum[j / 2][j % 2]);
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
};

// One block: 32 channels and every eighth pixel of its share for each warp; sums are added warp by warp, then share by
// share, by the block that comes last.
struct ImageWeight {
  static constexpr int threads = kImageBlock, resident = 1;
  ConvWeight k;
  Grid grid;
  int per_share;
  Scratch scratch;
  void use(Scratch s) { scratch = s; }
  static constexpr std::size_t shared = sizeof(float) * kImageBlock * kImageTaps;
  __device__ void run(Place at) const {
    DYN_SHARED(float, sums);  // [warp][tap][lane]
    const auto sum_at = [](int w, int tap, int l) { return (w * kImageTaps + tap) * 32 + l; };
    const Shape small = k.small.shape;
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    const int o = at.x * 32 + lane, per_image = small.h * small.w;
    const int begin = at.y * per_share, end = begin + per_share < small.pixels() ? begin + per_share : small.pixels();
    float sum[kImageTaps] = {};
    for (int pixel = begin + warp; pixel < end; pixel += kImageBlock / 32) {
      const int n = pixel / per_image, inside = pixel % per_image;
      float window[kImageTaps];
      load_window(k.big.data + n * k.big.shape.image(), k.big.shape, inside / small.w, inside % small.w, window);
      const float s = o < small.c ? k.small.data[std::int64_t{pixel} * small.c + o] : 0.0f;
      UNROLL
      for (int t = 0; t < kImageTaps; ++t) sum[t] = fmaf(window[t], s, sum[t]);
    }
    UNROLL
    for (int t = 0; t < kImageTaps; ++t) sums[sum_at(warp, t, lane)] = sum[t];
    __syncthreads();
    float* own = scratch.partial + (std::int64_t{at.y} * grid.x + at.x) * kImageTaps * 32;
    for (int i = static_cast<int>(threadIdx.x); i < kImageTaps * 32; i += kImageBlock) {
      float s = 0;
      for (int j = 0; j < kImageBlock / 32; ++j) s += sums[sum_at(j, i / 32, i % 32)];
      own[i] = s;
    }
    if (!last_block(scratch.tickets + at.x, static_cast<unsigned>(grid.y))) return;
    for (int i = static_cast<int>(threadIdx.x); i < kImageTaps * 32; i += kImageBlock) {
      float s = 0;
      for (int share = 0; share < grid.y; ++share)
        s += scratch.partial[(std::int64_t{share} * grid.x + at.x) * kImageTaps * 32 + i];
      const int channel = at.x * 32 + i % 32;
      if (channel < small.c) k.dw.data[channel * kImageTaps + i / 32] = s;
    }
  }
};

}  // namespace snag
