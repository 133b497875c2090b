#pragma once
#include "kernels/cuda/cuda.h"

namespace snag {

// The layers next to the image, where a matrix product would leave all lanes but one empty: `big` has one channel, and
// the shapes are those of a 4x4 convolution of stride 2.
bool fits_one_channel(ConstView big, ConstView small, Conv g);
// Each launches its kernel and returns true where they fit; else false.
bool launch_one_channel(Cuda&, const ConvDown&);
bool launch_one_channel(Cuda&, const ConvUp&);
bool launch_one_channel(Cuda&, const ConvWeight&);

}  // namespace snag
