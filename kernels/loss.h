#pragma once
#include <cmath>

#include "kernels/view.h"

namespace snag {

// ABC loss of Kim et al. 2020 for an anomaly with mean reconstruction error l:  y = -log(1 - exp(-l)).
// l is held above kAbcFloor: the loss diverges as l -> 0.
constexpr double kAbcFloor = 1e-6;

struct Abc {
  View y;
  ConstView l;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const {
    const real x = l.data[i] > real(kAbcFloor) ? l.data[i] : real(kAbcFloor);
    y.data[i] = -std::log(-std::expm1(-x));
  }
};

// dl = -dy / (exp(l) - 1); under the floor the gradient at the floor, so that an anomaly reproduced exactly is still
// pushed away
struct AbcGrad {
  View dl;
  ConstView l, dy;
  HD int size() const { return dl.shape.size(); }
  HD void operator()(int i) const {
    const real x = l.data[i] > real(kAbcFloor) ? l.data[i] : real(kAbcFloor);
    dl.data[i] = -dy.data[i] / std::expm1(x);
  }
};

// Binary cross-entropy of a logit x and a target t in [0, 1]:  y = max(x, 0) - x t + log(1 + exp(-|x|))
struct BceWithLogits {
  View y;
  ConstView x, t;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const {
    const real z = x.data[i];
    y.data[i] = (z > 0 ? z : real(0)) - z * t.data[i] + std::log1p(std::exp(-std::abs(z)));
  }
};

// dx = (sigmoid(x) - t) dy
struct BceWithLogitsGrad {
  View dx;
  ConstView x, t, dy;
  HD int size() const { return dx.shape.size(); }
  HD void operator()(int i) const { dx.data[i] = (1 / (1 + std::exp(-x.data[i])) - t.data[i]) * dy.data[i]; }
};

// Logits x in `parts` equal parts of images, m elements each:  y = sum over parts of sum (sigmoid(x) - target)^2 / m
// Least squares of one or more populations at once, as a discriminator judges real and made images (Mao et al. 2017).
struct Targets {
  static constexpr int capacity = 4;
  real value[capacity] = {};
  int parts = 1;
  // of element i out of `size`
  HD real of(int i, int size) const { return value[i / (size / parts)]; }
};

struct LeastSquaresWithLogits {
  View y;
  ConstView x;
  Targets targets;
  HD int size() const { return 1; }
  HD int part() const { return x.shape.size() / targets.parts; }
  HD real difference(int i) const { return 1 / (1 + std::exp(-x.data[i])) - targets.of(i, x.shape.size()); }
  HD void operator()(int) const {
    wide s = 0;
    for (int i = 0; i < x.shape.size(); ++i) s += wide(difference(i)) * difference(i);
    *y.data = static_cast<real>(s / part());
  }
};

// dx = 2 (p - target) / m p (1 - p) dy, p = sigmoid(x)
struct LeastSquaresWithLogitsGrad {
  View dx;
  ConstView x, dy;
  Targets targets;
  HD int size() const { return dx.shape.size(); }
  HD void operator()(int i) const {
    const int m = x.shape.size() / targets.parts;
    const real p = 1 / (1 + std::exp(-x.data[i]));
    dx.data[i] = 2 * (p - targets.of(i, x.shape.size())) / static_cast<real>(m) * p * (1 - p) * *dy.data;
  }
};

// Scalars wherever they lie, and a weight for each.
struct Weighted {
  static constexpr int capacity = 8;
  const real* value[capacity] = {};
  real weight[capacity] = {};
  int count = 0;
};

// y = sum of weight * value
struct WeightedSum {
  View y;
  Weighted terms;
  HD int size() const { return 1; }
  HD void operator()(int) const {
    real s = 0;
    for (int i = 0; i < terms.count; ++i) s += terms.weight[i] * *terms.value[i];
    *y.data = s;
  }
};

// Its gradient:  y[i] = weight[i] * x, x a scalar. No value is read, so none need be there.
struct WeightEach {
  View y;
  ConstView x;
  Weighted terms;
  HD int size() const { return terms.count; }
  HD void operator()(int i) const { y.data[i] = terms.weight[i] * *x.data; }
};

}  // namespace snag
