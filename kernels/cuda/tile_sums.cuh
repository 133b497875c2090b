#pragma once
// The sums that batch norm takes over what a convolution computes, taken by its own blocks: each adds up its tile while
// it is at hand, and the block that comes last adds the tiles. So nothing reads the output again for them, and what
// waits for them waits for the convolution alone.
#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/norm_sums.cuh"

namespace snag {

// One block adds up so many tiles, of each group, sooner than all blocks take the sums in a launch of their own.
constexpr int kMostTiles = 512;

// What a block has computed of an output: T::m pixels, of T::n channels from `channel` on.
struct OutputTile {
  const float* values;  // in shared memory, at kept_at<T>(row, channel)
  const int* pixels;    // for each row its place in the output; -1: there is none
  int channel;
  int number, count;  // of the tiles with these channels
};

// By all threads of the block. `parts`: one a thread, in shared memory; `partial`: [tile][group][channel]; `ticket`: of
// the tiles with these channels.
template <class T, class Sums>
__device__ inline void add_tile(const Sums& sums, const OutputTile& tile, NormPart* parts, NormPart* partial,
                                unsigned* ticket) {
  constexpr int rows = T::threads / T::n, at_once = 8;  // reads: what it costs is to wait for memory
  static_assert(T::m % (rows * at_once) == 0);
  const int lane = static_cast<int>(threadIdx.x) % T::n, row = static_cast<int>(threadIdx.x) / T::n,
            c = tile.channel + lane, channels = sums.k.x.shape.c, outputs = sums.k.size(), groups = sums.k.groups(),
            pixels = sums.k.x.shape.pixels() / groups;
  const bool inside = c < channels, stores = inside && row == 0;
  for (int g = 0; g < groups; ++g) {
    NormPart own{};
    if (inside) {
      auto walk = sums.walk(g, c);
      LOOP for (int first = row; first < T::m; first += rows * at_once) {
        bool adds[at_once];
        float value[at_once], other[at_once];
        UNROLL
        for (int i = 0; i < at_once; ++i) {
          const int r = first + i * rows, pixel = tile.pixels[r];
          adds[i] = pixel >= g * pixels && pixel < (g + 1) * pixels;
          value[i] = tile.values[kept_at<T>(r, lane)];
          other[i] = adds[i] ? sums.other(pixel * channels + c) : 0;
        }
        UNROLL
        for (int i = 0; i < at_once; ++i)
          if (adds[i]) walk.add(value[i], other[i]);
      }
      own = walk.part();
    }
    combine<T::threads>(own, parts, T::n);
    if (stores) partial[tile.number * outputs + g * channels + c] = parts[lane];
  }
  if (!last_block(ticket, static_cast<unsigned>(tile.count))) return;
  for (int g = 0; g < groups; ++g) {
    const int s = g * channels + c;
    NormPart own{};
    if (inside) {
      LOOP for (int first = row; first < tile.count; first += rows * at_once) {
        NormPart part[at_once];
        UNROLL
        for (int i = 0; i < at_once; ++i) {
          const int t = first + i * rows;
          part[i] = t < tile.count ? partial[t * outputs + s] : NormPart{};
        }
        UNROLL
        for (int i = 0; i < at_once; ++i)
          if (first + i * rows < tile.count) own.add(part[i]);
      }
    }
    combine<T::threads>(own, parts, T::n);
    if (stores) sums.store(s, parts[lane]);
  }
}

}  // namespace snag
