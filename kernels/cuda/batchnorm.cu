#include "kernels/cuda/batchnorm.cuh"

#include "kernels/cuda/portable.cuh"

namespace snag {
namespace {

// As many blocks as run at once.
template <class K>
void launch_map(Cuda& cuda, const K& k) {
  const Shape s = k.x.shape;
  if (s.size() == 0) return;
  const int width = lanes_for(s.c / 4), tiles = ceil_div(s.c / 4, width);
  const int groups = k.groups(), shares = std::min(ceil_div(s.pixels() / groups, kMapBlock / width),
                                                   ceil_div(8 * cuda.multiprocessors, tiles * groups));
  run(cuda, ChannelMap<K>{.kernel = k, .width = width, .grid = {tiles, shares, groups}});
}

}  // namespace

void launch(Cuda& cuda, const BatchNormStats& k) {
  launch_reduce(cuda, NormStats{k}, per_channel(k.x.shape, k.groups()));
}

void launch(Cuda& cuda, const BatchNormGradSums& k) {
  launch_reduce(cuda, NormGradSums{k}, per_channel(k.x.shape, k.groups()));
}

void launch(Cuda& cuda, const BatchNorm& k) {
  if (k.x.shape.c % 4 == 0 && aligned(k.x.data, k.y.data))
    launch_map(cuda, k);
  else
    launch_portable(cuda, k);
}

void launch(Cuda& cuda, const BatchNormGrad& k) {
  if (k.x.shape.c % 4 == 0 && aligned(k.x.data, k.dy.data, k.dx.data))
    launch_map(cuda, k);
  else
    launch_portable(cuda, k);
}

}  // namespace snag
