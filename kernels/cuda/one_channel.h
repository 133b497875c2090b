#pragma once
#include "kernels/cuda/cuda.h"

namespace snag {

// The layers next to the image, where a matrix product would leave all lanes but one empty. Each launches its kernel
// and returns true where `big` has one channel and the shapes fit; else false.
bool launch_one_channel(Cuda&, const ConvDown&);
bool launch_one_channel(Cuda&, const ConvUp&);
bool launch_one_channel(Cuda&, const ConvWeight&);

}  // namespace snag
