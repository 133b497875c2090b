#include "kernels/cuda/one_channel.cuh"

#include "kernels/cuda/one_channel.h"
#include "kernels/cuda/reduce.cuh"

namespace snag {
namespace {

struct Split {
  Crew crew;
  Grid grid;
};
// Of pairs over crews: as many blocks as run at once, or one pair for each crew.
Split split(const Cuda& cuda, int pairs, int tiles, int resident, int width) {
  Crew crew(width, 1);
  const std::int64_t crews = std::int64_t{std::max(1, resident * cuda.multiprocessors / tiles)} * crew.crews();
  crew.each = std::max(1, static_cast<int>((pairs + crews - 1) / crews));
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
  const int width = width_for(s);
  const auto [crew, grid] = split(cuda, Pair::count(s.n, s.h, s.w), tiles_of(s, width), ImageDown::resident, width);
  run(cuda, ImageDown{.k = k, .then = {}, .pairs = Pair::raster(s.h, s.w), .crew = crew, .grid = grid}, taps(crew));
  return true;
}

bool launch_after(Cuda& cuda, const ConvDown& before, const LeakyRelu& k) {
  if (!cuda.recorded || !fits_one_channel(before.big, before.small, before.g)) return false;
  if (k.x.data != before.small.data || k.x.shape != before.small.shape || !aligned(k.y.data)) return false;
  reinterpret_cast<ImageDown*>(cuda.recorded->back().work.data())->then = k;
  return true;
}

bool launch_one_channel(Cuda& cuda, const ConvUp& k) {
  if (!fits_one_channel(k.big, k.small, k.g)) return false;
  const Shape s = k.small.shape;
  const int rows = s.h + 1, columns = s.w + 1;
  const auto [crew, grid] =
      split(cuda, Pair::count(s.n, rows, columns), 1, ImageUp::resident, std::max(ImageUp::outputs, width_for(s)));
  run(cuda, ImageUp{.k = k, .pairs = Pair::raster(rows, columns), .crew = crew, .grid = grid}, taps(crew));
  return true;
}

bool launch_one_channel(Cuda& cuda, const ConvWeight& k) {
  if (!fits_one_channel(k.big, k.small, k.g)) return false;
  // Blocks that take all pairs need not meet, which costs as much as five rounds more; but they read pixels again for
  // each row of taps.
  constexpr int rows = 4, most_alone = 16 * kImageBlock;
  const Shape s = k.small.shape;
  const int count = Pair::count(s.n, s.h, s.w);
  const bool alone = count <= most_alone;
  Crew crew = alone ? Crew(1, 1) : Crew(std::min(2, width_for(s)), rows);
  const int tiles = ceil_div(s.c, crew.channels()),
            shares = alone ? 1 : std::max(1, ImageWeight::resident * cuda.multiprocessors / tiles);
  crew.each = ceil_div(ceil_div(count, crew.crews() * shares), ImageWeight::at_once) * ImageWeight::at_once;
  const Grid grid{tiles, rows / crew.parts(), ceil_div(count, crew.crews() * crew.each)};
  const ImageWeight work{.k = k, .pairs = Pair::raster(s.h, s.w), .crew = crew, .grid = grid, .scratch = {}};
  run(cuda, work, work.needs());
  return true;
}

}  // namespace snag
