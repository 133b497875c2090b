#pragma once
// Batch norm of a small map, forward or backward, in one work: a block has all pixels of its channels, so it takes their
// sums and maps them without a look at any other block. Where the map is what a product left in parts it adds them, too.
#include "kernels/cuda/batchnorm.cuh"
#include "kernels/cuda/norm_sums.cuh"
#include "kernels/cuda/parts.cuh"

namespace snag {

// <ForwardSums, BatchNorm> or <BackwardSums, BatchNormGrad>
template <class NormSums, class Map>
struct NormAtOnce {
  static constexpr int threads = 256, resident = 1;
  static constexpr int each = kPartsPixels / threads;  // pixels of a group that a thread keeps, at most
  static constexpr int widest = 8;                     // threads side by side along channels, at most
  static constexpr std::size_t shared = sizeof(double) * 8 * widest * (threads / 32 + 1);

  NormSums sums;
  Map map{};      // without an output nothing is mapped
  Parts from{};   // of what is summed: x, or dy
  View whole{};   // where that is kept; empty: it is there already
  int width = 1;  // threads side by side, four channels each
  Grid grid{};

  __device__ void run(Place at) const {
    if (pixels() <= threads / width)
      run<1, 16>(at.x);
    else
      run<each, 2>(at.x);
  }

 private:
  HD int groups() const { return sums.k.groups(); }
  HD int pixels() const { return sums.k.x.shape.pixels() / groups(); }

  // Pixels that a thread takes of a group; parts on their way at once.
  template <int Pixels, int AtOnce>
  __device__ void run(int block) const {
    DYN_SHARED(double, found);
    const int lane = static_cast<int>(threadIdx.x) % width, row = static_cast<int>(threadIdx.x) / width,
              rows = threads / width, channels = sums.k.x.shape.c, c = 4 * (block * width + lane);
    LOOP
    for (int g = 0; g < groups(); ++g) {
      int pixel[Pixels], place[Pixels];  // of the tensor; -1: there is none
      UNROLL
      for (int j = 0; j < Pixels; ++j) {
        const int p = row + j * rows;
        pixel[j] = p < pixels() ? g * pixels() + p : -1;
        place[j] = p < pixels() ? pixel[j] * channels + c : -1;
      }
      float4 value[Pixels];
      add_parts<Pixels, AtOnce>(from, place, value);
      if (whole.data) {
        UNROLL
        for (int j = 0; j < Pixels; ++j)
          if (place[j] >= 0) four(whole.data, place[j]) = value[j];
      }
      take_sums(g, c, pixel, value, found);
      if (!map.x.data) continue;
      typename Map::Channel own[4];
      UNROLL
      for (int i = 0; i < 4; ++i) own[i] = map.channel(g, c + i);
      UNROLL
      for (int j = 0; j < Pixels; ++j)
        if (place[j] >= 0) map_four(map, place[j], value[j], own);
    }
    if (map.x.data && row < 4) finish(map, c + row);
  }

  // Stores the sums of the block's channels. The order: a thread's pixels, the threads of a warp in a tree, the warps.
  template <int Pixels>
  __device__ void take_sums(int g, int c, const int (&pixel)[Pixels], const float4 (&value)[Pixels],
                            double* found) const {
    constexpr int warps = threads / 32, sums_each = 8;  // of a thread: two of four channels
    const int thread = static_cast<int>(threadIdx.x), lane = thread % width, channels = sums.k.x.shape.c;
    double own[sums_each];
    UNROLL
    for (int i = 0; i < 4; ++i) {
      auto walk = sums.walk(g, c + i);
      UNROLL
      for (int j = 0; j < Pixels; ++j) {
        const float v[4] = {value[j].x, value[j].y, value[j].z, value[j].w};
        if (pixel[j] >= 0) walk.add(v[i], pixel[j]);
      }
      const NormPart part = walk.part();
      own[2 * i] = part.sum[0], own[2 * i + 1] = part.sum[1];
    }
    for (int distance = width; distance < 32; distance *= 2) UNROLL
    for (double& s : own) s += __shfl_xor_sync(0xffffffffu, s, distance);
    if (thread % 32 < width) UNROLL
    for (int i = 0; i < sums_each; ++i) found[(thread / 32 * widest + lane) * sums_each + i] = own[i];
    __syncthreads();
    double* const all = found + warps * widest * sums_each;
    if (thread < sums_each * width) {
      double sum = 0;
      for (int w = 0; w < warps; ++w) sum += found[w * widest * sums_each + thread];
      all[thread] = sum;
    }
    __syncthreads();
    if (const int i = thread / width; i < 4)
      sums.store(g * channels + c + i, NormPart{{all[lane * sums_each + 2 * i], all[lane * sums_each + 2 * i + 1]}});
    __syncthreads();  // the block sees what was stored
  }
};

}  // namespace snag
