#pragma once
#include <cmath>

#include "kernels/view.h"

namespace snag {

// Each kernel here computes element i of its output from element i of its inputs.

// y = value
struct Fill {
  View y;
  real value;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const { y.data[i] = value; }
};

// y = a + b
struct Add {
  View y;
  ConstView a, b;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const { y.data[i] = a.data[i] + b.data[i]; }
};

// y = a * b
struct Mul {
  View y;
  ConstView a, b;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const { y.data[i] = a.data[i] * b.data[i]; }
};

// y = scale * x + shift
struct Affine {
  View y;
  ConstView x;
  real scale, shift;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const { y.data[i] = scale * x.data[i] + shift; }
};

// y = |a - b|
struct AbsDiff {
  View y;
  ConstView a, b;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const { y.data[i] = std::abs(a.data[i] - b.data[i]); }
};

// da = sign(a - b) * dy, with sign(0) = 0; db = -da
struct AbsDiffGrad {
  View da;
  ConstView a, b, dy;
  HD int size() const { return da.shape.size(); }
  HD void operator()(int i) const {
    const real d = a.data[i] - b.data[i];
    da.data[i] = d > 0 ? dy.data[i] : d < 0 ? -dy.data[i] : real(0);
  }
};

// y = x > 0 ? x : slope * x      (slope 0 is ReLU)
struct LeakyRelu {
  View y;
  ConstView x;
  real slope;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const { y.data[i] = x.data[i] > 0 ? x.data[i] : slope * x.data[i]; }
};

struct LeakyReluGrad {
  View dx;
  ConstView x, dy;
  real slope;
  HD int size() const { return dx.shape.size(); }
  HD void operator()(int i) const { dx.data[i] = x.data[i] > 0 ? dy.data[i] : slope * dy.data[i]; }
};

// y = range * tanh(x / range): slope 1 at 0, saturates at +-range
struct Tanh {
  View y;
  ConstView x;
  real range;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const { y.data[i] = range * std::tanh(x.data[i] / range); }
};

// dx = (1 - (y / range)^2) dy, from the output y
struct TanhGrad {
  View dx;
  ConstView y, dy;
  real range;
  HD int size() const { return dx.shape.size(); }
  HD void operator()(int i) const {
    const real t = y.data[i] / range;
    dx.data[i] = (1 - t * t) * dy.data[i];
  }
};

// y = x^exponent for x > 0
struct Power {
  View y;
  ConstView x;
  real exponent;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const { y.data[i] = std::pow(x.data[i], exponent); }
};

// y = 1 / (1 + exp(-x))
struct Sigmoid {
  View y;
  ConstView x;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const { y.data[i] = 1 / (1 + std::exp(-x.data[i])); }
};

// dx = y (1 - y) dy, from the output y
struct SigmoidGrad {
  View dx;
  ConstView y, dy;
  HD int size() const { return dx.shape.size(); }
  HD void operator()(int i) const { dx.data[i] = y.data[i] * (1 - y.data[i]) * dy.data[i]; }
};

// y = min(max(x, low), high)
struct Clamp {
  View y;
  ConstView x;
  real low, high;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const { y.data[i] = x.data[i] < low ? low : x.data[i] > high ? high : x.data[i]; }
};

struct ClampGrad {
  View dx;
  ConstView x, dy;
  real low, high;
  HD int size() const { return dx.shape.size(); }
  HD void operator()(int i) const { dx.data[i] = x.data[i] >= low && x.data[i] <= high ? dy.data[i] : real(0); }
};

}  // namespace snag
