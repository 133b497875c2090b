#include "engine/layers.h"

#include <cmath>

namespace snag {
namespace {
constexpr double kDeviation = 0.02, kMomentum = 0.1;
}

ConvLayer::ConvLayer(Layout& layout, const std::string& name, int in, int out, Conv g)
    : w_(layout.trained(name + ".weight", {out, in, g.kernel, g.kernel}, 0, kDeviation)), g_(g) {}

ConvTransposeLayer::ConvTransposeLayer(Layout& layout, const std::string& name, int in, int out, Conv g)
    : w_(layout.trained(name + ".weight", {in, out, g.kernel, g.kernel}, 0, kDeviation)), g_(g) {}

BatchNormLayer::BatchNormLayer(Layout& layout, const std::string& name, int channels, double slope)
    : gamma_(layout.trained(name + ".weight", {.c = channels}, 1, kDeviation)),
      beta_(layout.trained(name + ".bias", {.c = channels}, 0, 0)),
      mean_(layout.running(name + ".running_mean", {.c = channels}, 0)),
      var_(layout.running(name + ".running_var", {.c = channels}, 1)),
      slope_(slope) {}

Tensor BatchNormLayer::operator()(const Weights& p, Tensor x, Statistics from, int groups) const {
  const View mean = p.running(mean_), var = p.running(var_);
  Moments at{mean, var, true};
  if (from == Statistics::batch) {
    at = batch_moments(x, groups);
    const int m = x.shape().pixels() / groups;
    at.running = {mean, var, static_cast<real>(kMomentum), m > 1 ? static_cast<real>(m) / static_cast<real>(m - 1) : 1};
  }
  return batch_norm(x, p.trained(gamma_), p.trained(beta_), at, slope_);
}

LinearLayer::LinearLayer(Layout& layout, const std::string& name, int in, int out, double gain)
    : w_(layout.trained(name + ".weight", {.n = out, .c = in}, 0, gain / std::sqrt(in))),
      b_(layout.trained(name + ".bias", {.c = out}, 0, 0)) {}

}  // namespace snag
