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
  HD void operator()(int i) const {
    const int c = i % y.shape.c;
    const real z = gamma.data[c] * ((x.data[i] - mean.data[c]) / std::sqrt(var.data[c] + eps)) + beta.data[c];
    y.data[i] = z > 0 ? z : slope * z;
  }
};

// dbeta[c] = sum dz,   dgamma[c] = sum dz * xhat,   where dz = dy * leaky'(z)
struct BatchNormGradParameters {
  View dgamma, dbeta;
  ConstView x, dy, mean, var, gamma, beta;
  real eps, slope;
  HD int size() const { return x.shape.c; }
  HD void operator()(int c) const {
    const real inv = 1 / std::sqrt(var.data[c] + eps);
    wide db = 0, dg = 0;
    for (int p = 0; p < x.shape.pixels(); ++p) {
      const int i = p * x.shape.c + c;
      const real xhat = (x.data[i] - mean.data[c]) * inv;
      const real dz = gamma.data[c] * xhat + beta.data[c] > 0 ? dy.data[i] : slope * dy.data[i];
      db += dz;
      dg += wide(dz) * xhat;
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
  HD void operator()(int i) const {
    const int c = i % x.shape.c;
    const real inv = 1 / std::sqrt(var.data[c] + eps);
    const real xhat = (x.data[i] - mean.data[c]) * inv;
    real d = gamma.data[c] * xhat + beta.data[c] > 0 ? dy.data[i] : slope * dy.data[i];
    if (!fixed) d -= (dbeta.data[c] + xhat * dgamma.data[c]) / static_cast<real>(x.shape.pixels());
    dx.data[i] = gamma.data[c] * inv * d;
  }
};

}  // namespace snag
