#pragma once
#include "kernels/cuda/cuda.h"

namespace snag {

// The layer that leaves one channel, a critic's last, where a matrix product would leave all columns but one empty:
// `small` has one channel, and the shapes are those of a 4x4 convolution of stride 1.
bool fits_narrow(const ConvDown&);
bool fits_narrow(const ConvUp&);
// Each launches its kernel and returns true where it fits; else false.
bool launch_narrow(Cuda&, const ConvDown&);
bool launch_narrow(Cuda&, const ConvUp&);
bool launch_narrow(Cuda&, const ConvWeight&);

}  // namespace snag
