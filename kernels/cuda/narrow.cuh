#pragma once
// The layer that leaves one channel: 4x4 kernels, stride 1. Its weights lie as [tap][channel]. All three maps are
// products of a matrix and a vector, bound by memory: threads have four channels each.
#include "kernels/cuda/divisor.cuh"
#include "kernels/cuda/fours.cuh"
#include "kernels/cuda/work.cuh"

namespace snag {

constexpr int kNarrowBlock = 256;
constexpr int kNarrowKernel = 4, kNarrowTaps = kNarrowKernel * kNarrowKernel;

__device__ inline float dot_four(float4 a, float4 b, float sum) {
  return fmaf(a.w, b.w, fmaf(a.z, b.z, fmaf(a.y, b.y, fmaf(a.x, b.x, sum))));
}

// A team of warps adds up each output: its threads lie side by side along channels, then along taps.
struct NarrowDown {
  static constexpr int threads = kNarrowBlock, resident = 2;
  static constexpr int at_once = 8;  // taps on their way
  static constexpr std::size_t shared = sizeof(float) * kNarrowBlock / 32;
  ConvDown k;
  Raster outputs;
  int team_bits, width_bits;  // threads, and of these along channels: powers of two
  Grid grid;                  // outputs, as many at once as a block has teams

  __device__ void run(Place at) const {
    DYN_SHARED(float, sums);  // of warps
    const int tid = static_cast<int>(threadIdx.x), warp = tid / 32, team = 1 << team_bits, member = tid & (team - 1),
              i = (at.x * kNarrowBlock + tid) >> team_bits;
    const bool inside = i < k.small.shape.size();
    float sum = inside ? share(outputs.at(i), member) : 0;
    for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, distance);
    if (tid % 32 == 0) sums[warp] = sum;
    __syncthreads();
    if (member != 0 || !inside) return;
    UNROLL
    for (int w = 1; w < kNarrowBlock / 32; ++w)
      if (w < team / 32) sum += sums[warp + w];
    k.small.data[i] = sum;
  }

 private:
  __device__ float share(Raster::At to, int member) const {
    const Shape big = k.big.shape;
    const int width = 1 << width_bits, rows = 1 << (team_bits - width_bits);
    float sum = 0;
    LOOP for (int c = 4 * (member & (width - 1)); c < big.c; c += 4 * width) {
      LOOP for (int first = member >> width_bits; first < kNarrowTaps; first += at_once * rows) {
        float4 x[at_once], w[at_once];
        UNROLL
        for (int j = 0; j < at_once; ++j) {
          const int tap = first + j * rows, y = to.y + tap / kNarrowKernel - k.g.pad,
                    column = to.x + tap % kNarrowKernel - k.g.pad;
          const bool inside = tap < kNarrowTaps && y >= 0 && y < big.h && column >= 0 && column < big.w;
          x[j] = inside ? four(k.big.data, offset(big, to.n, c, y, column)) : make_float4(0, 0, 0, 0);
          w[j] = inside ? four(k.w.data, tap * big.c + c) : make_float4(0, 0, 0, 0);
        }
        UNROLL
        for (int j = 0; j < at_once; ++j) sum = dot_four(x[j], w[j], sum);
      }
    }
    return sum;
  }
};

// A thread has four channels of a pixel.
struct NarrowUp {
  static constexpr int threads = kNarrowBlock, resident = 2;
  ConvUp k;
  Divisor fours;  // of a pixel
  Raster pixels;
  Grid grid;
  __device__ void run(Place at) const {
    const Shape big = k.big.shape, small = k.small.shape;
    const int i = at.x * kNarrowBlock + static_cast<int>(threadIdx.x);
    if (4 * i >= big.size()) return;
    const int pixel = fours.divide(i), c = 4 * i - pixel * big.c;
    const Raster::At to = pixels.at(pixel);
    float x[kNarrowTaps];
    float4 w[kNarrowTaps];
    UNROLL
    for (int tap = 0; tap < kNarrowTaps; ++tap) {
      const int p = to.y + k.g.pad - tap / kNarrowKernel, q = to.x + k.g.pad - tap % kNarrowKernel;
      const bool inside = p >= 0 && p < small.h && q >= 0 && q < small.w;
      x[tap] = inside ? k.small.data[(to.n * small.h + p) * small.w + q] : 0;
      w[tap] = inside ? four(k.w.data, tap * big.c + c) : make_float4(0, 0, 0, 0);
    }
    float4 sum = make_float4(0, 0, 0, 0);
    UNROLL
    for (int tap = 0; tap < kNarrowTaps; ++tap) fma_four(x[tap], w[tap], sum);
    four(k.big.data, 4 * i) = sum;
  }
};

// A block has one tap of a tile of channels. Each of its rows of threads keeps to one place of the map, or to some
// where that has more than there are rows, and goes over the images.
struct NarrowWeight {
  static constexpr int threads = kNarrowBlock, resident = 2;
  static constexpr int at_once = 8;  // images on their way
  static constexpr int width = 8, channels = 4 * width, rows = kNarrowBlock / width, warps = kNarrowBlock / 32;
  static constexpr std::size_t shared = sizeof(float4) * warps * width;
  ConvWeight k;
  Raster map;
  int together;  // images that the rows take at once
  Grid grid;     // tiles of channels, taps

  __device__ void run(Place at) const {
    DYN_SHARED(float4, sums);  // [warp][lane]
    const int tid = static_cast<int>(threadIdx.x), lane = tid % width, first = at.x * channels, tap = at.y;
    float4 sum = make_float4(0, 0, 0, 0);
    if (first + 4 * lane < k.big.shape.c) add_rows(tap, first + 4 * lane, tid / width, sum);
    for (int distance = width; distance < 32; distance *= 2) {
      sum.x += __shfl_xor_sync(0xffffffffu, sum.x, distance), sum.y += __shfl_xor_sync(0xffffffffu, sum.y, distance);
      sum.z += __shfl_xor_sync(0xffffffffu, sum.z, distance), sum.w += __shfl_xor_sync(0xffffffffu, sum.w, distance);
    }
    if (tid % 32 < width) sums[tid / 32 * width + lane] = sum;
    __syncthreads();
    if (tid >= channels || first + tid >= k.big.shape.c) return;
    const float* const own = reinterpret_cast<const float*>(sums) + tid;
    float all = 0;
    for (int warp = 0; warp < warps; ++warp) all += own[warp * channels];
    k.dw.data[tap * k.big.shape.c + first + tid] = all;
  }

 private:
  __device__ void add_rows(int tap, int c, int row, float4& sum) const {
    const Shape big = k.big.shape, small = k.small.shape;
    const int pixels = small.h * small.w, first = map.at(row).n;
    if (first >= together) return;
    for (int pixel = row - first * pixels; pixel < pixels; pixel += rows) {
      const Raster::At from = map.at(pixel);
      const int y = from.y + tap / kNarrowKernel - k.g.pad, x = from.x + tap % kNarrowKernel - k.g.pad;
      if (y < 0 || y >= big.h || x < 0 || x >= big.w) continue;
      add_images(k.small.data + pixel, k.big.data + offset(big, 0, c, y, x), first, sum);
    }
  }
  __device__ void add_images(const float* small, const float* big, int first, float4& sum) const {
    const int images = k.small.shape.n, of_small = k.small.shape.image(), of_big = k.big.shape.image();
    LOOP for (int n = first; n < images; n += at_once * together) {
      float a[at_once];
      float4 x[at_once];
      UNROLL
      for (int j = 0; j < at_once; ++j) {
        const int image = n + j * together;
        a[j] = image < images ? small[image * of_small] : 0;
        x[j] = image < images ? four(big, image * of_big) : make_float4(0, 0, 0, 0);
      }
      UNROLL
      for (int j = 0; j < at_once; ++j) fma_four(a[j], x[j], sum);
    }
  }
};

}  // namespace snag
