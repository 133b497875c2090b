#pragma once
// The two sums that batch norm takes over a group's channel, forward and backward, where the block that takes them has
// the elements at hand:
//
//   wanted()                whether they are
//   Walk walk(group, c)     begins the sums of one thread
//   other(i)                what else it needs of element i
//   walk.add(value, other)  takes an element of x (forward) or dy (backward)
//   walk.part()             what came of them
//   result(all)             of the sums of all
//   store(s, all)           keeps it; s = group * channels + c
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
    __device__ void add(float x, float) {
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
  __device__ float other(int) const { return 0; }
  struct Result {
    float mean, var;
  };
  __device__ Result result(const NormPart& all) const {
    const double n = k.x.shape.pixels() / k.groups(), mean = all.sum[0] / n, var = fma(-mean, mean, all.sum[1] / n);
    return {static_cast<float>(mean), static_cast<float>(var > 0 ? var : 0)};
  }
  __device__ void store(int s, const NormPart& all) const {
    const Result r = result(all);
    k.mean.data[s] = r.mean;
    k.var.data[s] = r.var;
  }
};

// Sums of dz and of dz * xhat, where the output is dy.
struct BackwardSums {
  BatchNormGradSums k{};  // without `sum_dz` none are wanted
  HD bool wanted() const { return k.sum_dz.data; }

  struct Walk {
    BatchNormGradSums::Channel own;
    float slope, db, dg;
    __device__ void add(float dy, float x) {
      const auto t = BatchNormGradSums::term(x, dy, own, slope);
      db += t.dz;
      dg = fmaf(t.dz, t.xhat, dg);
    }
    __device__ NormPart part() const { return {{db, dg}}; }
  };
  __device__ Walk walk(int group, int c) const { return {k.channel(group, c), k.slope, 0, 0}; }
  __device__ float other(int i) const { return k.x.data[i]; }
  struct Result {
    float dz, dz_xhat;
  };
  __device__ Result result(const NormPart& all) const {
    return {static_cast<float>(all.sum[0]), static_cast<float>(all.sum[1])};
  }
  __device__ void store(int s, const NormPart& all) const {
    const Result r = result(all);
    k.sum_dz.data[s] = r.dz;
    k.sum_dz_xhat.data[s] = r.dz_xhat;
  }
};

}  // namespace snag
