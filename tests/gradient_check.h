#pragma once
#include <functional>
#include <vector>

#include "tests/support.h"

namespace snag {

// The gradient's elements; zeros where there is none.
Numbers zeros_or(const Tensor& gradient, int size);

// CHECKs every element of d f / d wrt against central differences, at the tolerances of torch.autograd.gradcheck. `f`
// records a scalar on the tape, the same one each time.
void check_gradient(Tape&, const std::function<Tensor()>& f, const std::vector<Tensor>& wrt);

}  // namespace snag
