#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "tests/support.h"

namespace snag {

// How an input's elements are drawn.
enum class Drawn {
  normal,
  spaced,       // 0.05 apart from each other, over all spaced inputs of a case, and 0.025 from 0: no kinks, no ties
  positive,     // in [0.1, 2)
  probability,  // in [0, 1)
};

struct Input {
  Shape shape;
  Drawn drawn = Drawn::normal;
  bool constant = false;  // the op gives it no gradient
};

enum class Proof {
  twice,   // first and second derivatives by central differences
  once,    // first derivatives; asking for second ones throws std::logic_error
  parity,  // too large for differences: only compared with the portable backend
};

// One case of one op: drives the checks of gradients, of backends, of coverage, and the kernel benchmark.
struct OpCase {
  std::string op;  // a function of engine/ops.h
  std::string what;
  std::vector<Input> inputs;
  std::function<Tensor(std::span<const Tensor>)> run;
  Proof proof = Proof::twice;
};

const std::vector<OpCase>& op_cases();

// The elements of each input; the same on every machine.
std::vector<Numbers> draw(const OpCase&);

}  // namespace snag
