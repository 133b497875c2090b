#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "kernels/backend.h"

namespace snag::gpu {

enum class Filled { anywhere, positive, zero };  // in [-1, 1), in [0.5, 1.5), bits of 0

struct Operand {
  Shape shape;
  Filled filled = Filled::anywhere;
};

// One kernel at one size of the model.
struct Case {
  std::string kernel = {}, what = {};
  int batch = 0;
  bool products = false;               // its arithmetic depends on the precision
  double flops = 0;                    // nominal: 2 for each multiply-add, padding included; 0: not counted
  double bytes = 0;                    // the least traffic: each operand read once or written once
  std::vector<Operand> operands = {};  // the first is compared
  std::function<Kernel(const std::vector<View>&)> build = {};
};

// dual_gan at width 64, and products of the fully connected gan; batch 0: what does not depend on the batch.
std::vector<Case> model_cases(int batch);

}  // namespace snag::gpu
