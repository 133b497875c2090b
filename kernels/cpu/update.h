#pragma once
#include <array>
#include <vector>

#include "kernels/cpu/cpu.h"

namespace snag {

// The gradient of one parameter as the weight gradient that it is, or as the two that it is the sum of.
struct GradientProducts {
  int gradient;                       // its number among Adam's
  std::array<ConvWeight, 2> product;  // without dw; the second has no operands where there is none
  bool two() const { return product[1].big.data != nullptr; }
};

// Adam that computes gradients on the way, a few lines at a time: they never lie in memory.
struct Update {
  Adam adam;  // whose gradients by products are null
  std::vector<GradientProducts> products;
};
void launch(Cpu&, const Update&);

// Can a few lines of this weight gradient be had alone?
bool computed_in_lines(const ConvWeight&);

}  // namespace snag
