#include "engine/op.h"

namespace snag {

Tensor add(Tensor a, Tensor b) {
  require(a.shape() == b.shape(), "add", a.shape(), b.shape());
  const Tensor y = like(a);
  run(y, Add{.y = y.view, .a = a.view, .b = b.view});
  return y.tape->record("add", y, {a, b}, [](Tensor dy, Needs) { return Grads{dy, dy}; });
}

Tensor mul(Tensor a, Tensor b) {
  require(a.shape() == b.shape(), "mul", a.shape(), b.shape());
  const Tensor y = like(a);
  run(y, Mul{.y = y.view, .a = a.view, .b = b.view});
  return y.tape->record("mul", y, {a, b}, [=](Tensor dy, Needs need) {
    return Grads{need[0] ? mul(dy, b) : Tensor{}, need[1] ? mul(dy, a) : Tensor{}};
  });
}

Tensor affine(Tensor x, double scale, double shift) {
  const Tensor y = like(x);
  run(y, Affine{.y = y.view, .x = x.view, .scale = static_cast<real>(scale), .shift = static_cast<real>(shift)});
  return y.tape->record("affine", y, {x}, [=](Tensor dy, Needs) { return Grads{affine(dy, scale)}; });
}

Tensor abs_diff(Tensor a, Tensor b) {
  require(a.shape() == b.shape(), "abs_diff", a.shape(), b.shape());
  const Tensor y = like(a);
  run(y, AbsDiff{.y = y.view, .a = a.view, .b = b.view});
  return y.tape->record("abs_diff", y, {a, b}, [=](Tensor dy, Needs need) {
    const Tensor da = like(dy);
    run(da, AbsDiffGrad{.da = da.view, .a = a.view, .b = b.view, .dy = dy.view});
    const Tensor once = da.tape->record_once("abs_diff's gradient", da, {a, b, dy});
    return Grads{once, need[1] ? affine(once, -1) : Tensor{}};
  });
}

Tensor leaky_relu(Tensor x, double slope) {
  const Tensor y = like(x);
  run(y, LeakyRelu{.y = y.view, .x = x.view, .slope = static_cast<real>(slope)});
  return y.tape->record("leaky_relu", y, {x}, [=](Tensor dy, Needs) { return Grads{leaky_relu_grad(x, dy, slope)}; });
}

Tensor leaky_relu_grad(Tensor x, Tensor dy, double slope) {
  require(x.shape() == dy.shape(), "leaky_relu_grad", x.shape(), dy.shape());
  const Tensor dx = like(x);
  run(dx, LeakyReluGrad{.dx = dx.view, .x = x.view, .dy = dy.view, .slope = static_cast<real>(slope)});
  // linear in dy; its derivative in x is 0 almost everywhere, so x is no input of this node
  return dx.tape->record("leaky_relu_grad", dx, {dy},
                         [=](Tensor d, Needs) { return Grads{leaky_relu_grad(x, d, slope)}; });
}

Tensor tanh(Tensor x, double range) {
  Tensor y = like(x);
  run(y, Tanh{.y = y.view, .x = x.view, .range = static_cast<real>(range)});
  return y.tape->record("tanh", y, {x}, [=](Tensor dy, Needs) {
    const Tensor dx = like(dy);
    run(dx, TanhGrad{.dx = dx.view, .y = y.view, .dy = dy.view, .range = static_cast<real>(range)});
    return Grads{dx.tape->record_once("tanh's gradient", dx, {x, dy})};
  });
}

Tensor power(Tensor x, double exponent) {
  const Tensor y = like(x);
  run(y, Power{.y = y.view, .x = x.view, .exponent = static_cast<real>(exponent)});
  return y.tape->record("power", y, {x},
                        [=](Tensor dy, Needs) { return Grads{mul(dy, affine(power(x, exponent - 1), exponent))}; });
}

Tensor sigmoid(Tensor x) {
  const Tensor y = like(x);
  run(y, Sigmoid{.y = y.view, .x = x.view});
  return y.tape->record("sigmoid", y, {x}, [=](Tensor dy, Needs) {
    const Tensor dx = like(dy);
    run(dx, SigmoidGrad{.dx = dx.view, .y = y.view, .dy = dy.view});
    return Grads{dx.tape->record_once("sigmoid's gradient", dx, {x, dy})};
  });
}

Tensor clamp(Tensor x, double low, double high) {
  const Tensor y = like(x);
  const auto lo = static_cast<real>(low), hi = static_cast<real>(high);
  run(y, Clamp{.y = y.view, .x = x.view, .low = lo, .high = hi});
  return y.tape->record("clamp", y, {x}, [=](Tensor dy, Needs) {
    const Tensor dx = like(dy);
    run(dx, ClampGrad{.dx = dx.view, .x = x.view, .dy = dy.view, .low = lo, .high = hi});
    return Grads{dx.tape->record_once("clamp's gradient", dx, {x, dy})};
  });
}

Tensor dropout(Tensor x, double p, Counter step, std::uint64_t seed, std::uint32_t layer) {
  if (!(p >= 0 && p < 1)) throw std::invalid_argument("dropout: p is " + std::to_string(p) + ", not in [0, 1)");
  const Tensor y = like(x);
  run(y, Dropout{.y = y.view, .x = x.view, .step = step, .p = static_cast<real>(p), .layer = layer, .seed = seed});
  return y.tape->record("dropout", y, {x}, [=](Tensor dy, Needs) { return Grads{dropout(dy, p, step, seed, layer)}; });
}

}  // namespace snag
