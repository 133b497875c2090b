#pragma once
#include <array>

#include "kernels/cpu/cpu.h"

namespace snag {

// Adam over the parameters whose gradients are not null. Or, where there are products, over one whose gradient it
// computes on the way, a few lines at a time, as the weight gradient that it is or the two that it is the sum of: it
// never lies in memory.
struct Update {
  Adam adam;
  std::array<ConvWeight, 2> product = {};  // without dw; without operands where there is none
  bool has(int i) const { return product.at(static_cast<std::size_t>(i)).big.data != nullptr; }
};
void launch(Cpu&, const Update&);

// Can a few lines of this weight gradient be had alone?
bool computed_in_lines(const ConvWeight&);

}  // namespace snag
