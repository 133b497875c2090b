#include "kernels/cuda/one_channel.cuh"

#include "kernels/cuda/one_channel.h"

namespace snag {
namespace {

// Bytes of the weights in shared memory.
Needs weights(int channels) { return {.shared = sizeof(float) * kImageTaps * static_cast<std::size_t>(channels)}; }
Grid grid_of(std::int64_t threads) { return {static_cast<int>((threads + kImageBlock - 1) / kImageBlock)}; }

}  // namespace

bool fits_one_channel(ConstView big, ConstView small, Conv g) {
  return big.shape.c == 1 && g.kernel == 4 && g.stride == 2 && g.pad == 1 && small.shape.c % 4 == 0 &&
         small.shape.c <= 1024 && reinterpret_cast<std::uintptr_t>(small.data) % 16 == 0;
}

bool launch_one_channel(Cuda& cuda, const ConvDown& k) {
  if (!fits_one_channel(k.big, k.small, k.g)) return false;
  run(cuda, ImageDown{.k = k, .grid = grid_of(std::int64_t{k.small.shape.pixels()} * (k.small.shape.c / 4))},
      weights(k.small.shape.c));
  return true;
}

bool launch_one_channel(Cuda& cuda, const ConvUp& k) {
  if (!fits_one_channel(k.big, k.small, k.g)) return false;
  const std::int64_t corners = std::int64_t{k.small.shape.n} * (k.small.shape.h + 1) * (k.small.shape.w + 1);
  run(cuda, ImageUp{.k = k, .grid = grid_of(corners * 32)}, weights(k.small.shape.c));
  return true;
}

bool launch_one_channel(Cuda& cuda, const ConvWeight& k) {
  if (!fits_one_channel(k.big, k.small, k.g)) return false;
  const int tiles = ceil_div(k.small.shape.c, 32), pixels = k.small.shape.pixels();
  const int shares = std::min(ceil_div(pixels, 32), ceil_div(4 * cuda.multiprocessors, tiles));
  const int per_share = ceil_div(pixels, shares);
  const Grid grid{tiles, ceil_div(pixels, per_share)};
  run(cuda, ImageWeight{.k = k, .grid = grid, .per_share = per_share, .scratch = {}},
      {.shared = ImageWeight::shared,
       .partial = static_cast<std::size_t>(grid.blocks()) * kImageTaps * 32,
       .tickets = tiles});
  return true;
}

}  // namespace snag
