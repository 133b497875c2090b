#include "kernels/cuda/narrow.cuh"

#include <algorithm>
#include <bit>

#include "kernels/cuda/narrow.h"

namespace snag {
namespace {

bool fits_narrow(ConstView big, ConstView small, const float* w, Conv g) {
  return small.shape.c == 1 && g.kernel == kNarrowKernel && g.stride == 1 && big.shape.c % 4 == 0 &&
         small.shape.size() > 0 && big.shape.size() > 0 && aligned(big.data, w);
}

}  // namespace

bool fits_narrow(const ConvDown& k) { return fits_narrow(k.big, k.small, k.w.data, k.g); }
bool fits_narrow(const ConvUp& k) { return fits_narrow(k.big, k.small, k.w.data, k.g); }

bool launch_narrow(Cuda& cuda, const ConvDown& k) {
  if (!fits_narrow(k)) return false;
  const Shape small = k.small.shape;
  // The largest team with which all blocks run at once, a warp at least.
  int team_bits = std::countr_zero(unsigned{kNarrowBlock}), width_bits = 0;
  const auto blocks = [&] { return ceil_div(small.size(), kNarrowBlock >> team_bits); };
  while (team_bits > 5 && blocks() > NarrowDown::resident * cuda.multiprocessors) --team_bits;
  while (width_bits < team_bits && 4 << width_bits < k.big.shape.c) ++width_bits;
  run(cuda,
      NarrowDown{.k = k,
                 .outputs = Raster(small.h, small.w),
                 .team_bits = team_bits,
                 .width_bits = width_bits,
                 .grid = {blocks()}},
      {.shared = NarrowDown::shared});
  return true;
}

bool launch_narrow(Cuda& cuda, const ConvUp& k) {
  if (!fits_narrow(k)) return false;
  const Shape big = k.big.shape;
  run(cuda, NarrowUp{.k = k,
                     .fours = Divisor(big.c / 4),
                     .pixels = Raster(big.h, big.w),
                     .grid = {ceil_div(big.size(), 4 * kNarrowBlock)}});
  return true;
}

bool launch_narrow(Cuda& cuda, const ConvWeight& k) {
  if (!fits_narrow(k.big, k.small, k.dw.data, k.g)) return false;
  const Grid grid{ceil_div(k.big.shape.c, NarrowWeight::channels), kNarrowTaps};
  const Shape small = k.small.shape;
  const int together = std::max(1, NarrowWeight::rows / (small.h * small.w));
  run(cuda, NarrowWeight{.k = k, .map = Raster(small.h, small.w), .together = together, .grid = grid},
      {.shared = NarrowWeight::shared});
  return true;
}

}  // namespace snag
