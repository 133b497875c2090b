#pragma once
#include <cmath>

#include "kernels/view.h"

namespace snag {

// Batch normalisation (Ioffe and Szegedy 2015) with the leaky ReLU that follows it fused in; slope 1 is no activation,
// slope 0 is ReLU. A batch may consist of `groups` equal parts, one after the other, that are normalised each by its
// own statistics: a discriminator sees real and made images in one pass, but not as one population. Statistics and sums
// are [groups, C]: per group and channel, over the group's m = images * pixels / groups.

// The group of element i, and the first of the m elements of statistic s; the next ones are C further each.
HD inline int group_of(Shape x, int groups, int i) { return i / (x.size() / groups); }
HD inline int first_of(Shape x, int groups, int s) { return s / x.c * (x.size() / groups) + s % x.c; }

// mean = sum x / m,   var = sum (x - mean)^2 / m   (biased)
struct BatchNormStats {
  View mean, var;
  ConstView x;
  HD int size() const { return mean.shape.size(); }
  HD int groups() const { return mean.shape.n; }
  HD void operator()(int s) const {
    const int m = x.shape.pixels() / groups(), stride = x.shape.c;
    const real* xs = x.data + first_of(x.shape, groups(), s);
    wide sum = 0;
    for (int p = 0; p < m; ++p) sum += xs[p * stride];
    const wide mu = sum / m;
    wide v = 0;
    for (int p = 0; p < m; ++p) v += (xs[p * stride] - mu) * (xs[p * stride] - mu);
    mean.data[s] = static_cast<real>(mu);
    var.data[s] = static_cast<real>(v / m);
  }
};

// Statistics that training keeps for later, [C]; empty: none are kept. The kept variance is `correction` times the
// biased one: m / (m - 1) makes it unbiased, as PyTorch keeps it.
struct Running {
  View mean, var;
  real momentum = 0, correction = 1;
};

// y = leaky(gamma * xhat + beta),   xhat = (x - mean) / sqrt(var + eps)
// running = (1 - momentum) running + momentum * statistic, for one group after the other
struct BatchNorm {
  View y;
  ConstView x, mean, var, gamma, beta;
  Running running;
  real eps, slope;
  HD int size() const { return y.shape.size(); }
  HD int groups() const { return mean.shape.n; }
  // what is the same for all elements of a group's channel
  struct Channel {
    real mean, scale, beta;
  };
  HD Channel channel(int group, int c) const {
    const int s = group * x.shape.c + c;
    return channel(mean.data[s], var.data[s], gamma.data[c], beta.data[c]);
  }
  HD Channel channel(real mean_of_it, real var_of_it, real gamma_of_it, real beta_of_it) const {
    return {mean_of_it, gamma_of_it / std::sqrt(var_of_it + eps), beta_of_it};
  }
  HD real value(real xi, Channel c) const {
    const real z = c.scale * (xi - c.mean) + c.beta;
    return z > 0 ? z : slope * z;
  }
  HD void track(int c) const {
    if (!running.mean.data) return;
    real m = running.mean.data[c], v = running.var.data[c];
    for (int s = c; s < mean.shape.size(); s += x.shape.c) {
      m += running.momentum * (mean.data[s] - m);
      v += running.momentum * (var.data[s] * running.correction - v);
    }
    running.mean.data[c] = m;
    running.var.data[c] = v;
  }
  HD void operator()(int i) const {
    y.data[i] = value(x.data[i], channel(group_of(x.shape, groups(), i), i % x.shape.c));
    if (i < x.shape.c) track(i);
  }
};

// sum_dz = sum dz,   sum_dz_xhat = sum dz * xhat,   where dz = dy * leaky'(z)
struct BatchNormGradSums {
  View sum_dz, sum_dz_xhat;
  ConstView x, dy, mean, var, gamma, beta;
  real eps, slope;
  HD int size() const { return sum_dz.shape.size(); }
  HD int groups() const { return sum_dz.shape.n; }
  // what is the same for all elements of a group's channel
  struct Channel {
    real mean, inv, gamma, beta;
  };
  HD Channel channel(int group, int c) const {
    const int s = group * x.shape.c + c;
    return {mean.data[s], 1 / std::sqrt(var.data[s] + eps), gamma.data[c], beta.data[c]};
  }
  struct Term {
    real dz, xhat;
  };
  HD Term term(real xi, real dyi, Channel c) const { return term(xi, dyi, c, slope); }
  HD static Term term(real xi, real dyi, Channel c, real slope) {
    const real xhat = (xi - c.mean) * c.inv;
    return {c.gamma * xhat + c.beta > 0 ? dyi : slope * dyi, xhat};
  }
  HD void operator()(int s) const {
    const Channel own = channel(s / x.shape.c, s % x.shape.c);
    const int first = first_of(x.shape, groups(), s), m = x.shape.pixels() / groups();
    wide db = 0, dg = 0;
    for (int p = 0; p < m; ++p) {
      const int i = first + p * x.shape.c;
      const Term t = term(x.data[i], dy.data[i], own);
      db += t.dz;
      dg += wide(t.dz) * t.xhat;
    }
    sum_dz.data[s] = static_cast<real>(db);
    sum_dz_xhat.data[s] = static_cast<real>(dg);
  }
};

// Batch statistics:  dx = gamma / sqrt(var + eps) * (dz - sum_dz / m - xhat * sum_dz_xhat / m)
// Fixed statistics (running ones, constants):  dx = gamma / sqrt(var + eps) * dz
// dbeta = sum_dz,   dgamma = sum_dz_xhat,   each summed over groups; where they are wanted
struct BatchNormGrad {
  View dx, dgamma, dbeta;
  ConstView x, dy, mean, var, gamma, beta, sum_dz, sum_dz_xhat;
  real eps, slope;
  bool fixed;
  HD int size() const { return dx.shape.size(); }
  HD int groups() const { return mean.shape.n; }
  // what is the same for all elements of a group's channel; the means of dz and of dz * xhat are 0 for fixed statistics
  struct Channel {
    real mean, inv, gamma, beta, mean_dz, mean_dz_xhat;
  };
  HD Channel channel(int group, int c) const {
    const int s = group * x.shape.c + c;
    return channel(mean.data[s], 1 / std::sqrt(var.data[s] + eps), gamma.data[c], beta.data[c],
                   fixed ? real(0) : sum_dz.data[s], fixed ? real(0) : sum_dz_xhat.data[s]);
  }
  HD Channel channel(real mean_of_it, real inv, real gamma_of_it, real beta_of_it, real dz, real dz_xhat) const {
    const real m = static_cast<real>(x.shape.pixels() / groups());
    return {mean_of_it, inv, gamma_of_it, beta_of_it, dz / m, dz_xhat / m};
  }
  HD real value(real xi, real dyi, Channel c) const {
    const real xhat = (xi - c.mean) * c.inv, dz = c.gamma * xhat + c.beta > 0 ? dyi : slope * dyi;
    return c.gamma * c.inv * (dz - c.mean_dz - xhat * c.mean_dz_xhat);
  }
  HD void add_groups(int c) const {
    if (!dgamma.data) return;
    wide db = 0, dg = 0;
    for (int s = c; s < sum_dz.shape.size(); s += x.shape.c) db += sum_dz.data[s], dg += sum_dz_xhat.data[s];
    dbeta.data[c] = static_cast<real>(db);
    dgamma.data[c] = static_cast<real>(dg);
  }
  HD void operator()(int i) const {
    dx.data[i] = value(x.data[i], dy.data[i], channel(group_of(x.shape, groups(), i), i % x.shape.c));
    if (i < x.shape.c) add_groups(i);
  }
};

}  // namespace snag
