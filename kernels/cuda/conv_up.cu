#include "kernels/cuda/conv.cuh"

namespace snag {

void launch(Cuda& cuda, const ConvUp& k) { launch_down_or_up(cuda, k); }

bool launch_after(Cuda& cuda, const ConvUp& before, const BatchNormStats& k) { return join(cuda, before, k, k.x); }
bool launch_after(Cuda& cuda, const ConvUp& before, const BatchNormGradSums& k) { return join(cuda, before, k, k.dy); }

}  // namespace snag
