#pragma once
#include "tests/gradient_check.h"
#include "tests/op_cases.h"

namespace snag {

// The inputs of a case on a device, with random cotangents c for its output y and v for its gradients.
struct Trial {
  Trial(const OpCase& op_case, Backend& backend) : op(op_case), tape(backend) {
    const std::vector<Numbers> x = draw(op);
    for (std::size_t k = 0; k < x.size(); ++k) {
      in.push_back(put(tape, op.inputs[k].shape, x[k]));
      (op.inputs[k].constant ? constant : wrt).push_back(in.back());
      v.push_back(put(tape, op.inputs[k].shape, gaussian(op.inputs[k].shape.size(), 2, static_cast<std::uint32_t>(k))));
    }
    const Tape::Mark mark = tape.mark();
    const Shape y = op.run(in).shape();
    tape.rewind(mark);
    c = put(tape, y, gaussian(y.size(), 1));
  }

  Tensor first() const { return sum(mul(op.run(in), c)); }  // <c, y>

  // sum over inputs of <v, d<c, y>/dx>
  Tensor second() {
    const std::vector<Tensor> dx = tape.grad(first(), in);
    Tensor total = sum(c, 0);
    for (std::size_t k = 0; k < dx.size(); ++k)
      if (dx[k]) total = add(total, sum(mul(dx[k], v[k])));
    return total;
  }

  const OpCase& op;
  Tape tape;
  std::vector<Tensor> in, constant, wrt, v;
  Tensor c;
};

// y and the gradients of all inputs
inline std::vector<Numbers> outputs(const OpCase& op, Backend& backend) {
  Trial t(op, backend);
  const Tensor y = op.run(t.in);
  const std::vector<Tensor> gradients = t.tape.grad(sum(mul(y, t.c)), t.in);
  std::vector<Numbers> all = {get(y)};
  for (std::size_t k = 0; k < gradients.size(); ++k) all.push_back(zeros_or(gradients[k], op.inputs[k].shape.size()));
  t.tape.rewind({0, 0});
  return all;
}

}  // namespace snag
