#include "kernels/cuda/one_channel.cuh"

#include <cmath>

#include "kernels/cuda/one_channel.h"
#include "kernels/cuda/reduce.cuh"

namespace snag {
namespace {

struct Split {
  Crew crew;
  Grid grid;
};
// Of pairs over crews: as many blocks as run at once, or `least` pairs for each crew.
Split split(const Cuda& cuda, int pairs, int tiles, int resident, Crew crew, int least = 1) {
  const std::int64_t crews = std::int64_t{std::max(1, resident * cuda.multiprocessors / tiles)} * crew.crews();
  crew.each = std::max(least, static_cast<int>((pairs + crews - 1) / crews));
  return {crew, {ceil_div(pairs, crew.crews() * crew.each), tiles}};
}
int width_for(Shape s) { return lanes_for(s.c / 4); }
int tiles_of(Shape s, int width) { return ceil_div(s.c, 4 * width); }

Needs taps(Crew crew) { return {.shared = sizeof(float) * static_cast<std::size_t>(crew.shared_floats())}; }

}  // namespace

bool fits_one_channel(ConstView big, ConstView small, Conv g) {
  return big.shape.c == 1 && g.kernel == 4 && g.stride == 2 && g.pad == 1 && small.shape.c % 4 == 0 &&
         small.shape.c <= 1024 && small.shape.size() > 0 && aligned(small.data);
}

bool launch_one_channel(Cuda& cuda, const ConvDown& k) {
  if (!fits_one_channel(k.big, k.small, k.g)) return false;
  const Shape s = k.small.shape;
  const Crew whole{.width = width_for(s), .parts = 1, .each = 1};
  const auto [crew, grid] =
      split(cuda, Pair::count(s.n, s.h, s.w), tiles_of(s, whole.width), ImageDown::resident, whole);
  run(cuda, ImageDown{.k = k, .crew = crew, .grid = grid}, taps(crew));
  return true;
}

bool launch_one_channel(Cuda& cuda, const ConvUp& k) {
  if (!fits_one_channel(k.big, k.small, k.g)) return false;
  const Shape s = k.small.shape;
  const Crew whole{.width = std::max(ImageUp::outputs, width_for(s)), .parts = 1, .each = 1};
  const auto [crew, grid] = split(cuda, Pair::count(s.n, s.h + 1, s.w + 1), 1, ImageUp::resident, whole);
  run(cuda, ImageUp{.k = k, .crew = crew, .grid = grid}, taps(crew));
  return true;
}

bool launch_one_channel(Cuda& cuda, const ConvWeight& k) {
  if (!fits_one_channel(k.big, k.small, k.g)) return false;
  const Shape s = k.small.shape;
  const Crew halves{.width = width_for(s), .parts = ImageWeight::parts, .each = 1};
  const auto [crew, grid] =
      split(cuda, Pair::count(s.n, s.h, s.w), tiles_of(s, halves.width), ImageWeight::resident, halves, 2);
  // A second meeting costs as much as thirty shares more.
  const int team = grid.x <= 40 ? grid.x : static_cast<int>(std::ceil(std::sqrt(grid.x)));
  const ImageWeight work{.k = k, .crew = crew, .grid = grid, .team = team, .scratch = {}};
  run(cuda, work, work.needs());
  return true;
}

}  // namespace snag
