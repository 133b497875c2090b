#include "kernels/cuda/conv.cuh"

namespace snag {

void launch(Cuda& cuda, const ConvDown& k) { launch_down_or_up(cuda, k); }

bool launch_after(Cuda& cuda, const ConvDown& before, const BatchNormStats& k) { return join(cuda, before, k, k.x); }
bool launch_after(Cuda& cuda, const ConvDown& before, const BatchNormGradSums& k) {
  return join(cuda, before, k, k.dy);
}

}  // namespace snag
