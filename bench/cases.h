#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "kernels/backend.h"

// The kernels at the sizes of the models: what the benchmarks of every device time.
namespace snag::bench {

// in [-1, 1), in [0.5, 1.5), bits of 0, an order of 0 .. size-1 as 32-bit integers
enum class Filled { anywhere, positive, zero, order };

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

// dual_gan, with skips, and products of the fully connected gan; batch 0: what does not depend on the batch.
std::vector<Case> model_cases(int batch, int width);

// Numbers for an operand.
std::vector<float> values(const Operand&, unsigned seed);

// Parts of model_cases.
using Views = std::vector<View>;
void add_case(std::vector<Case>& to, Case);  // its traffic is each of its operands once
std::string map_name(Shape);                 // "64 on 16x16"
void add_elementwise(std::vector<Case>& to, int batch, int width);
void add_reductions(std::vector<Case>& to, int batch, int width);
void add_movement(std::vector<Case>& to, int batch, int width);
void add_losses(std::vector<Case>& to, int batch);
void add_optimizer(std::vector<Case>& to, int width);

}  // namespace snag::bench
