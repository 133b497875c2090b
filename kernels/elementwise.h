#pragma once
#include <cmath>

#include "kernels/view.h"

namespace snag {

// Each kernel here computes element i of its output from element i of its inputs; where it has a value_of, as that of
// theirs.

// y = value
struct Fill {
  View y;
  real value;
  HD int size() const { return y.shape.size(); }
  HD real value_of() const { return value; }
  HD void operator()(int i) const { y.data[i] = value_of(); }
};

// y = a + b
struct Add {
  View y;
  ConstView a, b;
  HD int size() const { return y.shape.size(); }
  HD real value_of(real ai, real bi) const { return ai + bi; }
  HD void operator()(int i) const { y.data[i] = value_of(a.data[i], b.data[i]); }
};

// y = a * b
struct Mul {
  View y;
  ConstView a, b;
  HD int size() const { return y.shape.size(); }
  HD real value_of(real ai, real bi) const { return ai * bi; }
  HD void operator()(int i) const { y.data[i] = value_of(a.data[i], b.data[i]); }
};

// y = scale * x + shift
struct Affine {
  View y;
  ConstView x;
  real scale, shift;
  HD int size() const { return y.shape.size(); }
  HD real value_of(real xi) const { return scale * xi + shift; }
  HD void operator()(int i) const { y.data[i] = value_of(x.data[i]); }
};

// y = |a - b|
struct AbsDiff {
  View y;
  ConstView a, b;
  HD int size() const { return y.shape.size(); }
  HD real value_of(real ai, real bi) const { return std::abs(ai - bi); }
  HD void operator()(int i) const { y.data[i] = value_of(a.data[i], b.data[i]); }
};

// da = sign(a - b) * dy, with sign(0) = 0; db = -da
struct AbsDiffGrad {
  View da;
  ConstView a, b, dy;
  HD int size() const { return da.shape.size(); }
  HD real value_of(real ai, real bi, real dyi) const {
    const real d = ai - bi;
    return d > 0 ? dyi : d < 0 ? -dyi : real(0);
  }
  HD void operator()(int i) const { da.data[i] = value_of(a.data[i], b.data[i], dy.data[i]); }
};

// y = x > 0 ? x : slope * x      (slope 0 is ReLU)
struct LeakyRelu {
  View y;
  ConstView x;
  real slope;
  HD int size() const { return y.shape.size(); }
  HD real value_of(real xi) const { return xi > 0 ? xi : slope * xi; }
  HD void operator()(int i) const { y.data[i] = value_of(x.data[i]); }
};

struct LeakyReluGrad {
  View dx;
  ConstView x, dy;
  real slope;
  HD int size() const { return dx.shape.size(); }
  HD real value_of(real xi, real dyi) const { return xi > 0 ? dyi : slope * dyi; }
  HD void operator()(int i) const { dx.data[i] = value_of(x.data[i], dy.data[i]); }
};

// y = range * tanh(x / range): slope 1 at 0, saturates at +-range
struct Tanh {
  View y;
  ConstView x;
  real range;
  HD int size() const { return y.shape.size(); }
  HD real value_of(real xi) const { return range * std::tanh(xi / range); }
  HD void operator()(int i) const { y.data[i] = value_of(x.data[i]); }
};

// dx = (1 - (y / range)^2) dy, from the output y
struct TanhGrad {
  View dx;
  ConstView y, dy;
  real range;
  HD int size() const { return dx.shape.size(); }
  HD real value_of(real yi, real dyi) const {
    const real t = yi / range;
    return (1 - t * t) * dyi;
  }
  HD void operator()(int i) const { dx.data[i] = value_of(y.data[i], dy.data[i]); }
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
  HD real value_of(real xi) const { return xi < low ? low : xi > high ? high : xi; }
  HD void operator()(int i) const { y.data[i] = value_of(x.data[i]); }
};

struct ClampGrad {
  View dx;
  ConstView x, dy;
  real low, high;
  HD int size() const { return dx.shape.size(); }
  HD real value_of(real xi, real dyi) const { return xi >= low && xi <= high ? dyi : real(0); }
  HD void operator()(int i) const { dx.data[i] = value_of(x.data[i], dy.data[i]); }
};

}  // namespace snag
