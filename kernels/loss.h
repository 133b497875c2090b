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

}  // namespace snag
