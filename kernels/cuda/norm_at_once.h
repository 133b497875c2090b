#pragma once
#include "kernels/cuda/cuda.h"

namespace snag {

// Does batch norm of the tensor, or the gradient of one, run as one work (norm_at_once.cuh)?
bool fits_at_once(ConstView summed, int groups);

// Where it does, and the last work of a recorded step adds the parts of what is to be summed: takes the sums there.
bool norm_of_parts(Cuda&, const BatchNormStats&);
bool norm_of_parts(Cuda&, const BatchNormGradSums&);

}  // namespace snag
