#pragma once
// The two sums that batch norm takes over a group's channel, forward and backward, where the block that takes them has
// the elements at hand:
//
//   wanted()                whether they are
//   Walk walk(group, c)     begins the sums of one thread
//   walk.add(value, pixel)  takes an element of x (forward) or dy (backward), of this pixel of the tensor
//   walk.part()             what came of them
//   store(s, all)           takes the sums of s = group * channels + c
#include "kernels/cuda/reduce.cuh"

namespace snag {

using NormPart = Sums<2>;

// Sums of x and of x^2: in double, so that even a large mean leaves the variance its digits. Each fma is written out:
// the kernels that this is part of must not differ in a bit.
struct ForwardSums {
  BatchNormStats k{};  // without `mean` none are wanted
  HD bool wanted() const { return k.mean.data; }

  // About the first element, as in NormStats.
  struct Walk {
    float about, sum, squares;
    int count;
    __device__ void add(float x, int) {
      if (count++ == 0) about = x;
      const float d = x - about;
      sum += d;
      squares = fmaf(d, d, squares);
    }
    __device__ NormPart part() const {
      const double n = count, a = about, s = sum, q = squares;
      return {{fma(n, a, s), fma(a, fma(n, a, 2 * s), q)}};
    }
  };
  __device__ Walk walk(int, int) const { return {}; }
  __device__ void store(int s, const NormPart& all) const {
    const double n = k.x.shape.pixels() / k.groups(), mean = all.sum[0] / n, var = fma(-mean, mean, all.sum[1] / n);
    k.mean.data[s] = static_cast<float>(mean);
    k.var.data[s] = static_cast<float>(var > 0 ? var : 0);
  }
};

// Sums of dz and of dz * xhat, where the output is dy.
struct BackwardSums {
  BatchNormGradSums k{};  // without `sum_dz` none are wanted
  HD bool wanted() const { return k.sum_dz.data; }

  struct Walk {
    const BatchNormGradSums& k;
    BatchNormGradSums::Channel own;
    int c;
    float db, dg;
    __device__ void add(float dy, int pixel) {
      const auto t = k.term(k.x.data[pixel * k.x.shape.c + c], dy, own);
      db += t.dz;
      dg = fmaf(t.dz, t.xhat, dg);
    }
    __device__ NormPart part() const { return {{db, dg}}; }
  };
  __device__ Walk walk(int group, int c) const { return {k, k.channel(group, c), c, 0, 0}; }
  __device__ void store(int s, const NormPart& all) const {
    k.sum_dz.data[s] = static_cast<float>(all.sum[0]);
    k.sum_dz_xhat.data[s] = static_cast<float>(all.sum[1]);
  }
};

}  // namespace snag
