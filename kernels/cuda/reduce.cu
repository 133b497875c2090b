#include "kernels/cuda/reduce.cuh"

#include "kernels/cuda/largest.cuh"
#include "kernels/cuda/portable.cuh"

namespace snag {
namespace {

template <class Work, class K>
void launch_largest(Cuda& cuda, const K& k) {
  const Shape s = k.x.shape;
  if (s.image() > kTopRow) return launch_portable(cuda, k);
  run(cuda, Work{.k = k, .grid = {s.n}}, {.shared = Work::shared(s.image())});
}

}  // namespace

void launch(Cuda& cuda, const Sum& k) { launch_reduce(cuda, PlainSum{k.y.data, k.x.data, k.scale}, whole(k.x.shape)); }

void launch(Cuda& cuda, const LeastSquares& k) { launch_reduce(cuda, SquaredSum{k}, whole(k.x.shape)); }

void launch(Cuda& cuda, const ImageMean& k) {
  launch_reduce(cuda, PlainSum{k.y.data, k.x.data, 1.0 / k.x.shape.image()}, per_image(k.x.shape));
}

void launch(Cuda& cuda, const ChannelSum& k) {
  launch_reduce(cuda, PlainSum{k.y.data, k.x.data, 1}, per_channel(k.x.shape));
}

void launch(Cuda& cuda, const TopMean& k) { launch_largest<LargestMean>(cuda, k); }
void launch(Cuda& cuda, const TopMeanGrad& k) { launch_largest<LargestMeanGrad>(cuda, k); }

}  // namespace snag
