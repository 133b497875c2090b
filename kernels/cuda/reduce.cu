#include "kernels/cuda/reduce.cuh"

#include "kernels/cuda/largest.cuh"
#include "kernels/cuda/patches.cuh"

namespace snag {
namespace {

template <template <class Row> class Work, class K>
void launch_largest(Cuda& cuda, const K& k) {
  const Shape s = k.x.shape;
  const auto launch_with = [&]<class W>(const W& work) { run(cuda, work, {.shared = W::shared}); };
  if (s.image() <= ShortRow::longest)
    launch_with(Work<ShortRow>{.k = k, .grid = {s.n}});
  else
    launch_with(Work<LongRow>{.k = k, .grid = {s.n}});
}

}  // namespace

void launch(Cuda& cuda, const Sum& k) { launch_reduce(cuda, PlainSum{k.y.data, k.x.data, k.scale}, whole(k.x.shape)); }

void launch(Cuda& cuda, const LeastSquaresWithLogits& k) { launch_reduce(cuda, SquaredSum{k}, whole(k.x.shape)); }

void launch(Cuda& cuda, const ImageMean& k) {
  launch_reduce(cuda, PlainSum{k.y.data, k.x.data, 1.0 / k.x.shape.image()}, per_image(k.x.shape));
}

void launch(Cuda& cuda, const ChannelSum& k) {
  launch_reduce(cuda, PlainSum{k.y.data, k.x.data, 1}, per_channel(k.x.shape));
}

void launch(Cuda& cuda, const PatchMean& k) {
  run(cuda, PatchMeans{.k = k, .grid = {ceil_div(k.size(), kPatchBlock / 32)}});
}

void launch(Cuda& cuda, const TopMean& k) { launch_largest<LargestMean>(cuda, k); }
void launch(Cuda& cuda, const TopMeanGrad& k) { launch_largest<LargestMeanGrad>(cuda, k); }

}  // namespace snag
