#pragma once
#include <cmath>

#include "base/random.h"
#include "kernels/view.h"

namespace snag {

// y[i] from N(mean, deviation^2), a function of (seed, sub, i): Box and Muller (1958) on draw i of the stream `init`
struct DrawNormal {
  View y;
  double mean, deviation;
  std::uint32_t sub;
  std::uint64_t seed;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const {
    const Draw d = philox(seed, Stream::init, sub, static_cast<std::uint64_t>(i));
    const double u = 1.0 - d.uniform(0), v = d.uniform(1);  // u in (0, 1]
    y.data[i] = static_cast<real>(mean + deviation * std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v));
  }
};

}  // namespace snag
