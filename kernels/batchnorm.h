#pragma once
#include <cmath>

#include "kernels/view.h"

namespace snag {

// Batch normalisation (Ioffe and Szegedy 2015) with the leaky ReLU that follows it fused in; slope 1 is no activation,
// slope 0 is ReLU. Statistics are per channel over images and pixels; m = images * pixels.

// mean[c] = sum x / m,   var[c] = sum (x - mean)^2 / m   (biased)
struct BatchNormStats {
  View mean, var;
  ConstView x;
  HD int size() const { return x.shape.c; }
  HD void operator()(int c) const {
    const int m = x.shape.pixels(), stride = x.shape.c;
    wide s = 0;
    for (int p = 0; p < m; ++p) s += x.data[p * stride + c];
    const wide mu = s / m;
    wide v = 0;
    for (int p = 0; p < m; ++p) v += (x.data[p * stride + c] - mu) * (x.data[p * stride + c] - mu);
    mean.data[c] = static_cast<real>(mu);
    var.data[c] = static_cast<real>(v / m);
  }
};

// running = (1 - momentum) running + momentum * batch, the variance unbiased (m / (m - 1)), as PyTorch keeps it
struct BatchNormTrack {
  View running_mean, running_var;
  ConstView mean, var;
  real momentum;
  int m;
  HD int size() const { return mean.shape.c; }
  HD void operator()(int c) const {
    const real unbiased = m > 1 ? var.data[c] * (static_cast<real>(m) / static_cast<real>(m - 1)) : var.data[c];
    running_mean.data[c] += momentum * (mean.data[c] - running_mean.data[c]);
    running_var.data[c] += momentum * (unbiased - running_var.data[c]);
  }
};

// y = leaky(gamma * xhat + beta),   xhat = (x - mean) / sqrt(var + eps)
struct BatchNorm {
  View y;
  ConstView x, mean, var, gamma, beta;
  real eps, slope;
  HD int size() const { return y.shape.size(); }
  // what is the same for all elements of a channel
  struct Channel {
    real mean, scale, beta;
  };
  HD Channel channel(int c) const { return {mean.data[c], gamma.data[c] / std::sqrt(var.data[c] + eps), beta.data[c]}; }
  HD real value(real xi, Channel c) const {
    const real z = c.scale * (xi - c.mean) + c.beta;
    return z > 0 ? z : slope * z;
  }
  HD void operator()(int i) const { y.data[i] = value(x.data[i], channel(i % y.shape.c)); }
};

// dbeta[c] = sum dz,   dgamma[c] = sum dz * xhat,   where dz = dy * leaky'(z)
struct BatchNormGradParameters {
  View dgamma, dbeta;
  ConstView x, dy, mean, var, gamma, beta;
  real eps, slope;
  HD int size() const { return x.shape.c; }
  // what is the same for all elements of a channel
  struct Channel {
    real mean, inv, gamma, beta;
  };
  HD Channel channel(int c) const {
    return {mean.data[c], 1 / std::sqrt(var.data[c] + eps), gamma.data[c], beta.data[c]};
  }
  struct Term {
    real dz, xhat;
  };
  HD Term term(int i, Channel c) const {
    const real xhat = (x.data[i] - c.mean) * c.inv;
    return {c.gamma * xhat + c.beta > 0 ? dy.data[i] : slope * dy.data[i], xhat};
  }
  HD void operator()(int c) const {
    const Channel own = channel(c);
    wide db = 0, dg = 0;
    for (int p = 0; p < x.shape.pixels(); ++p) {
      const Term t = term(p * x.shape.c + c, own);
      db += t.dz;
      dg += wide(t.dz) * t.xhat;
    }
    dgamma.data[c] = static_cast<real>(dg);
    dbeta.data[c] = static_cast<real>(db);
  }
};

// Batch statistics:  dx = gamma / sqrt(var + eps) * (dz - dbeta / m - xhat * dgamma / m)
// Fixed statistics (running ones, constants):  dx = gamma / sqrt(var + eps) * dz
struct BatchNormGradInput {
  View dx;
  ConstView x, dy, mean, var, gamma, beta, dgamma, dbeta;
  real eps, slope;
  bool fixed;
  HD int size() const { return dx.shape.size(); }
  // what is the same for all elements of a channel; the means of dz and of dz * xhat are 0 for fixed statistics
  struct Channel {
    real mean, inv, gamma, beta, mean_dz, mean_dz_xhat;
  };
  HD Channel channel(int c) const {
    const real m = static_cast<real>(x.shape.pixels());
    return {mean.data[c], 1 / std::sqrt(var.data[c] + eps),    gamma.data[c],
            beta.data[c], fixed ? real(0) : dbeta.data[c] / m, fixed ? real(0) : dgamma.data[c] / m};
  }
  HD real value(real xi, real dyi, Channel c) const {
    const real xhat = (xi - c.mean) * c.inv, dz = c.gamma * xhat + c.beta > 0 ? dyi : slope * dyi;
    return c.gamma * c.inv * (dz - c.mean_dz - xhat * c.mean_dz_xhat);
  }
  HD void operator()(int i) const { dx.data[i] = value(x.data[i], dy.data[i], channel(i % x.shape.c)); }
};

}  // namespace snag
