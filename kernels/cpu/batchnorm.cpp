#include "kernels/batchnorm.h"

#include <cmath>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/batchnorm.cpp"
#include <hwy/foreach_target.h>

#include "kernels/cpu/channels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {
namespace {

// fn(first element, elements, first statistic) for each group: a tensor of its own, with statistics of its own
template <class Fn>
void for_each_group(Shape s, int groups, const Fn& fn) {
  const int elements = s.size() / groups;
  for (int g = 0; g < groups; ++g) fn(std::ptrdiff_t{g} * elements, elements, g * s.c);
}

// Each chunk's mean and sum of squares about it, taken while the chunk is in cache. Then, over chunks k of m[k] pixels,
//   mean = sum m[k] mean[k] / m,   var = sum (squares[k] + m[k] (mean[k] - mean)^2) / m
void stats_of_group(Cpu& cpu, const real* xs, int elements, int c_count, real* to_mean, real* to_var) {
  Scratch scratch(cpu.memory);
  const int m = elements / c_count;
  const Chunks chunks(elements, c_count);
  const std::size_t own = 3 * static_cast<std::size_t>(chunks.length), channels = static_cast<std::size_t>(c_count);
  real* sums = scratch.take<real>(own * static_cast<std::size_t>(cpu.pool.threads()));
  wide* means = scratch.take<wide>(channels * static_cast<std::size_t>(chunks.count));
  wide* squares = scratch.take<wide>(channels * static_cast<std::size_t>(chunks.count));
  cpu.pool.parallel_for(chunks.count, [&](int chunk, int thread) {
    const real* x[1] = {xs + chunks.begin(chunk)};
    const int size = chunks.elements(chunk), length = chunks.length, pixels = size / c_count;
    real *about = sums + own * static_cast<std::size_t>(thread), *sum = about + length;
    wide *mean = means + static_cast<std::ptrdiff_t>(chunk) * c_count,
         *square = squares + static_cast<std::ptrdiff_t>(chunk) * c_count;
    sum_patterns<1>(
        x, size, length, [](int, const Vector(&in)[1], Vector(&term)[1]) { term[0] = in[0]; }, sum);
    fold(sum, chunks, mean);
    for (int c = 0; c < c_count; ++c) about[c] = static_cast<real>(mean[c] / pixels);
    repeat(chunks, about);
    sum_patterns<2>(
        x, size, length,
        [about](int j, const Vector(&in)[1], Vector(&term)[2]) {
          term[0] = hn::Sub(in[0], load(about + j));
          term[1] = hn::Mul(term[0], term[0]);
        },
        sum);
    fold(sum, chunks, mean);
    fold(sum + length, chunks, square);
    for (int c = 0; c < c_count; ++c) {
      square[c] -= mean[c] * mean[c] / pixels;  // `about` was rounded
      mean[c] = about[c] + mean[c] / pixels;
    }
  });
  for (int c = 0; c < c_count; ++c) {
    wide mean = 0, square = 0;
    for (int chunk = 0; chunk < chunks.count; ++chunk)
      mean += chunks.elements(chunk) / c_count * means[static_cast<std::ptrdiff_t>(chunk) * c_count + c];
    mean /= m;
    for (int chunk = 0; chunk < chunks.count; ++chunk) {
      const wide d = means[static_cast<std::ptrdiff_t>(chunk) * c_count + c] - mean;
      square += squares[static_cast<std::ptrdiff_t>(chunk) * c_count + c] + chunks.elements(chunk) / c_count * d * d;
    }
    to_mean[c] = static_cast<real>(mean);
    to_var[c] = static_cast<real>(square / m);
  }
}

void batch_norm_stats(Cpu& cpu, const BatchNormStats& k) {
  for_each_group(k.x.shape, k.groups(), [&](std::ptrdiff_t first, int elements, int statistics) {
    stats_of_group(cpu, k.x.data + first, elements, k.x.shape.c, k.mean.data + statistics, k.var.data + statistics);
  });
}

// x where z > 0, else slope x
HWY_INLINE Vector leaky(Vector z, Vector slope, Vector x) {
  return hn::IfThenElse(hn::Gt(z, hn::Zero(Tag())), x, hn::Mul(slope, x));
}

real inverse(real var, real eps) { return 1 / std::sqrt(var + eps); }

void batch_norm(Cpu& cpu, const BatchNorm& k) {
  const int c_count = k.x.shape.c;
  for_each_group(k.x.shape, k.groups(), [&](std::ptrdiff_t first, int elements, int statistics) {
    Scratch scratch(cpu.memory);
    const Chunks chunks(elements, c_count);
    const real *means = k.mean.data + statistics, *vars = k.var.data + statistics;
    const real* mean = pattern(scratch, chunks, [&](int c) { return means[c]; });
    const real* scale = pattern(scratch, chunks, [&](int c) { return k.gamma.data[c] * inverse(vars[c], k.eps); });
    const real* beta = pattern(scratch, chunks, [&](int c) { return k.beta.data[c]; });
    for_each_pattern(cpu, chunks, [&](int e, int count) {
      const Vector slope = set(k.slope);
      const real* in[1] = {k.x.data + first + e};
      map_pattern(in, count, k.y.data + first + e, [=](int j, const Vector(&x)[1]) {
        const Vector z = hn::MulAdd(hn::Sub(x[0], load(mean + j)), load(scale + j), load(beta + j));
        return leaky(z, slope, z);
      });
    });
  });
  for (int c = 0; c < c_count; ++c) k.track(c);
}

// What the gradients of one group need of each channel, repeated to patterns.
struct Patterns {
  const real *mean, *inv, *gamma, *beta;
};
template <class K>
Patterns patterns(Scratch& scratch, const Chunks& chunks, const K& k, int statistics) {
  const real *means = k.mean.data + statistics, *vars = k.var.data + statistics;
  return {pattern(scratch, chunks, [&](int c) { return means[c]; }),
          pattern(scratch, chunks, [&](int c) { return inverse(vars[c], k.eps); }),
          pattern(scratch, chunks, [&](int c) { return k.gamma.data[c]; }),
          pattern(scratch, chunks, [&](int c) { return k.beta.data[c]; })};
}

void batch_norm_grad_sums(Cpu& cpu, const BatchNormGradSums& k) {
  const int c_count = k.x.shape.c;
  for_each_group(k.x.shape, k.groups(), [&](std::ptrdiff_t first, int elements, int statistics) {
    Scratch scratch(cpu.memory);
    const Chunks chunks(elements, c_count);
    const Patterns p = patterns(scratch, chunks, k, statistics);
    const std::size_t own = 2 * static_cast<std::size_t>(chunks.length),
                      channels = 2 * static_cast<std::size_t>(c_count);
    real* sums = scratch.take<real>(own * static_cast<std::size_t>(cpu.pool.threads()));
    wide* partial = scratch.take<wide>(channels * static_cast<std::size_t>(chunks.count));
    cpu.pool.parallel_for(chunks.count, [&](int chunk, int thread) {
      const std::ptrdiff_t at = first + chunks.begin(chunk);
      const real* in[2] = {k.x.data + at, k.dy.data + at};
      real* sum = sums + own * static_cast<std::size_t>(thread);
      const Vector slope = set(k.slope);
      sum_patterns<2>(
          in, chunks.elements(chunk), chunks.length,
          [=](int j, const Vector(&x)[2], Vector(&term)[2]) {
            const Vector xhat = hn::Mul(hn::Sub(x[0], load(p.mean + j)), load(p.inv + j));
            term[0] = leaky(hn::MulAdd(xhat, load(p.gamma + j), load(p.beta + j)), slope, x[1]);
            term[1] = hn::Mul(term[0], xhat);
          },
          sum);
      fold(sum, chunks, partial + channels * static_cast<std::size_t>(chunk));
      fold(sum + chunks.length, chunks, partial + channels * static_cast<std::size_t>(chunk) + c_count);
    });
    for (int c = 0; c < c_count; ++c) {
      wide db = 0, dg = 0;
      for (int chunk = 0; chunk < chunks.count; ++chunk) {
        db += partial[channels * static_cast<std::size_t>(chunk) + static_cast<std::size_t>(c)];
        dg += partial[channels * static_cast<std::size_t>(chunk) + static_cast<std::size_t>(c_count + c)];
      }
      k.sum_dz.data[statistics + c] = static_cast<real>(db);
      k.sum_dz_xhat.data[statistics + c] = static_cast<real>(dg);
    }
  });
}

void batch_norm_grad(Cpu& cpu, const BatchNormGrad& k) {
  const int c_count = k.x.shape.c;
  for_each_group(k.x.shape, k.groups(), [&](std::ptrdiff_t first, int elements, int statistics) {
    Scratch scratch(cpu.memory);
    const Chunks chunks(elements, c_count);
    const Patterns p = patterns(scratch, chunks, k, statistics);
    const real m = static_cast<real>(elements / c_count);
    const auto mean_of = [&](const real* sums) {
      return pattern(scratch, chunks, [&](int c) { return k.fixed ? real(0) : sums[statistics + c] / m; });
    };
    const real *shift = mean_of(k.sum_dz.data), *slide = mean_of(k.sum_dz_xhat.data);
    for_each_pattern(cpu, chunks, [&](int e, int count) {
      const Vector leak = set(k.slope);
      const real* in[2] = {k.x.data + first + e, k.dy.data + first + e};
      map_pattern(in, count, k.dx.data + first + e, [=](int j, const Vector(&x)[2]) {
        const Vector g = load(p.gamma + j), i = load(p.inv + j), xhat = hn::Mul(hn::Sub(x[0], load(p.mean + j)), i);
        const Vector dz = leaky(hn::MulAdd(g, xhat, load(p.beta + j)), leak, x[1]);
        return hn::Mul(hn::Mul(g, i), hn::Sub(dz, hn::MulAdd(xhat, load(slide + j), load(shift + j))));
      });
    });
  });
  for (int c = 0; c < c_count; ++c) k.add_groups(c);
}

}  // namespace
}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace snag {
HWY_EXPORT(batch_norm_stats);
HWY_EXPORT(batch_norm);
HWY_EXPORT(batch_norm_grad_sums);
HWY_EXPORT(batch_norm_grad);
void launch(Cpu& cpu, const BatchNormStats& k) { HWY_DYNAMIC_DISPATCH(batch_norm_stats)(cpu, k); }
void launch(Cpu& cpu, const BatchNorm& k) { HWY_DYNAMIC_DISPATCH(batch_norm)(cpu, k); }
void launch(Cpu& cpu, const BatchNormGradSums& k) { HWY_DYNAMIC_DISPATCH(batch_norm_grad_sums)(cpu, k); }
void launch(Cpu& cpu, const BatchNormGrad& k) { HWY_DYNAMIC_DISPATCH(batch_norm_grad)(cpu, k); }
}  // namespace snag
#endif
