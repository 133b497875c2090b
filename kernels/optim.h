#pragma once
#include <cmath>

#include "kernels/view.h"

namespace snag {

// A counter in device memory: what changes from step to step lives there, so that a recorded step can be replayed.
struct Counter {
  std::int32_t* data = nullptr;
};
struct ConstCounter {
  const std::int32_t* data = nullptr;
  ConstCounter() = default;
  ConstCounter(Counter c) : data(c.data) {}  // NOLINT: a Counter is readable
};

// counter += 1
struct Advance {
  Counter counter;
  HD int size() const { return 1; }
  HD void operator()(int) const { ++*counter.data; }
};

// Learning rate at step s (from 0) of `total`: linear warm-up over `warmup` steps, times a cosine from 1 to 0 if
// `cosine`.
struct Schedule {
  double base = 1e-3;
  int warmup = 0, total = 1;
  bool cosine = false;
  HD double at(int s) const {
    double rate = base;
    if (s < warmup) rate *= (s + 1.0) / warmup;
    if (cosine) rate *= 0.5 * (1 + std::cos(3.14159265358979323846 * s / total));
    return rate;
  }
};

// The gradients of one flat parameter list, each where its op left it: in one tensor, or in two that are added.
struct Gradients {
  static constexpr int capacity = 64;
  const real *data[capacity] = {}, *more[capacity] = {};  // more: null where there is no second
  int begin[capacity + 1] = {};                           // begin[k] .. begin[k+1]: the flat range of gradient k
  int count = 0;
  // the gradient that holds element i
  HD int holder(int i) const {
    int low = 0, high = count - 1;
    while (low < high) {
      const int middle = (low + high) / 2;
      if (begin[middle + 1] <= i)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
  HD real operator[](int i) const {
    const int k = holder(i);
    return of(k, i - begin[k]);
  }
  // element j of gradient k
  HD real of(int k, int j) const { return more[k] ? data[k][j] + more[k][j] : data[k][j]; }
};

// AdamW (Loshchilov and Hutter 2019; Adam with weight_decay = 0). With t = *updates:
//   m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,
//   w = w (1 - rate wd) - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
// and, where there is an `average`, the exponential moving average of the new weights and of what lies behind them in w
// and is not trained (running statistics):
//   average = d average + (1 - d) w,  d = min(decay, t / (t + 10)),  t = *step
struct Adam {
  View w, average;  // as long as each other, or no average
  View m, v;        // of the trained part, the first of w
  Gradients g;
  ConstCounter step, updates;  // the schedule's clock; the updates of this list, this one among them
  Schedule schedule;
  double beta1, beta2, eps, weight_decay, decay;
  HD int trained() const { return m.shape.size(); }
  HD int size() const { return average.data ? w.shape.size() : trained(); }
  // what is the same for all elements
  struct Scales {
    real decay, rate, root_correction, keep;
  };
  HD Scales scales() const {
    const double now = *step.data, rate = schedule.at(*step.data), t = *updates.data, ramp = now / (now + 10);
    return {static_cast<real>(1 - rate * weight_decay), static_cast<real>(rate / (1 - std::pow(beta1, t))),
            static_cast<real>(1 / std::sqrt(1 - std::pow(beta2, t))), static_cast<real>(ramp < decay ? ramp : decay)};
  }
  HD void update(real& wi, real& mi, real& vi, real gi, Scales s) const {
    const real b1 = static_cast<real>(beta1), b2 = static_cast<real>(beta2);
    mi = b1 * mi + (1 - b1) * gi;
    vi = b2 * vi + (1 - b2) * gi * gi;
    wi = wi * s.decay - s.rate * mi / (std::sqrt(vi) * s.root_correction + static_cast<real>(eps));
  }
  HD static real averaged(real average, real w, Scales s) { return s.keep * average + (1 - s.keep) * w; }
  HD void update(int i, Scales s) const {
    if (i < trained()) update(w.data[i], m.data[i], v.data[i], g[i], s);
    if (average.data) average.data[i] = averaged(average.data[i], w.data[i], s);
  }
  HD void operator()(int i) const { update(i, scales()); }
};

// Scalars wherever they lie, and a slot for each, no two alike.
struct Entries {
  static constexpr int capacity = 16;
  const real* x[capacity] = {};
  int slot[capacity] = {};
  int count = 0;
};

// total[slot] += x and count[slot] += 1 for each entry: losses summed over steps, read by the host now and then
struct Accumulate {
  View total, count;
  Entries entries;
  HD int size() const { return entries.count; }
  HD void operator()(int i) const {
    const int slot = entries.slot[i];
    total.data[slot] += *entries.x[i];
    count.data[slot] += 1;
  }
};

}  // namespace snag
