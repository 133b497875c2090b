#include "kernels/reduce.h"

#include <algorithm>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/reduce.cpp"
#include <hwy/foreach_target.h>

#include "kernels/cpu/channels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {
namespace {

// Vectors of at most some hundred elements each, then wide.
wide total(const real* x, int size) {
  constexpr int kPiece = 1 << 10;
  wide s = 0;
  for (int begin = 0; begin < size; begin += kPiece) {
    real lanes[kSums * kLanes];
    const real* const in[1] = {x + begin};
    sum_patterns<1>(
        in, std::min(kPiece, size - begin), kSums * kLanes,
        [](int, const Vector(&e)[1], Vector(&term)[1]) { term[0] = e[0]; }, lanes);
    for (const real lane : lanes) s += lane;
  }
  return s;
}

void sum(Cpu& cpu, const Sum& k) {
  Scratch scratch(cpu.memory);
  const int size = k.x.shape.size(), chunks = (size + kCached - 1) / kCached;
  wide* partial = scratch.take<wide>(static_cast<std::size_t>(chunks));
  cpu.pool.parallel_for(chunks, [&](int chunk) {
    partial[chunk] = total(k.x.data + chunk * kCached, std::min(kCached, size - chunk * kCached));
  });
  wide s = 0;
  for (int chunk = 0; chunk < chunks; ++chunk) s += partial[chunk];
  *k.y.data = k.scale * static_cast<real>(s);
}

void image_mean(Cpu& cpu, const ImageMean& k) {
  const int m = k.x.shape.image(), images = k.x.shape.n, step = std::max(1, kCached / std::max(1, m));
  cpu.pool.parallel_for((images + step - 1) / step, [&](int task) {
    for (int n = task * step; n < std::min(images, (task + 1) * step); ++n)
      k.y.data[n] = static_cast<real>(total(k.x.data + static_cast<std::ptrdiff_t>(n) * m, m) / m);
  });
}

void channel_sum(Cpu& cpu, const ChannelSum& k) {
  Scratch scratch(cpu.memory);
  const int c_count = k.x.shape.c;
  const Chunks chunks(k.x.shape.size(), c_count);
  const std::size_t own = static_cast<std::size_t>(chunks.length), channels = static_cast<std::size_t>(c_count);
  real* sums = scratch.take<real>(own * static_cast<std::size_t>(cpu.pool.threads()));
  wide* partial = scratch.take<wide>(channels * static_cast<std::size_t>(chunks.count));
  cpu.pool.parallel_for(chunks.count, [&](int chunk, int thread) {
    const real* in[1] = {k.x.data + chunks.begin(chunk)};
    real* own_sums = sums + own * static_cast<std::size_t>(thread);
    sum_patterns<1>(
        in, chunks.elements(chunk), chunks.length, [](int, const Vector(&x)[1], Vector(&term)[1]) { term[0] = x[0]; },
        own_sums);
    fold(own_sums, chunks, partial + channels * static_cast<std::size_t>(chunk));
  });
  for (int c = 0; c < c_count; ++c) {
    wide s = 0;
    for (int chunk = 0; chunk < chunks.count; ++chunk) s += partial[static_cast<std::ptrdiff_t>(chunk) * c_count + c];
    k.y.data[c] = static_cast<real>(s);
  }
}

void channel_spread(Cpu& cpu, const ChannelSpread& k) {
  Scratch scratch(cpu.memory);
  const Chunks chunks(k.y.shape.size(), k.y.shape.c);
  const real* x = pattern(scratch, chunks, [&](int c) { return k.x.data[c]; });
  for_each_pattern(cpu, chunks, [&](int e, int count) { copy(k.y.data + e, x, count); });
}

void add_bias(Cpu& cpu, const AddBias& k) {
  Scratch scratch(cpu.memory);
  const Chunks chunks(k.y.shape.size(), k.y.shape.c);
  const real* b = pattern(scratch, chunks, [&](int c) { return k.b.data[c]; });
  for_each_pattern(cpu, chunks, [&](int e, int count) {
    const real* x = k.x.data + e;
    real* y = k.y.data + e;
    for (int j = 0; j < count; ++j) y[j] = x[j] + b[j];
  });
}

void image_spread(Cpu& cpu, const ImageSpread& k) {
  const int m = k.y.shape.image();
  cpu.pool.parallel_for(k.y.shape.n, [&](int n) {
    std::fill_n(k.y.data + static_cast<std::ptrdiff_t>(n) * m, m, k.x.data[n] / static_cast<real>(m));
  });
}

void patch_mean(Cpu& cpu, const PatchMean& k) {
  const Shape in = k.x.shape, out = k.y.shape;
  const int line = k.patch * in.c;
  cpu.pool.parallel_for(out.n, [&](int n) {
    for (int p = 0; p < out.h; ++p)
      for (int q = 0; q < out.w; ++q) {
        wide s = 0;
        for (int r = 0; r < k.patch; ++r) s += total(k.x.data + offset(in, n, 0, p * k.stride + r, q * k.stride), line);
        k.y(n, 0, p, q) = static_cast<real>(s / (k.patch * line));
      }
  });
}

// Each image for itself, patch by patch, so that elements get their patches in order.
void patch_mean_grad(Cpu& cpu, const PatchMeanGrad& k) {
  const Shape in = k.dx.shape, out = k.dy.shape;
  const int line = k.patch * in.c;
  const real share = static_cast<real>(wide(1) / (k.patch * line));
  cpu.pool.parallel_for(in.n, [&](int n) {
    std::fill_n(k.dx.data + static_cast<std::ptrdiff_t>(n) * in.image(), in.image(), real(0));
    for (int p = 0; p < out.h; ++p)
      for (int q = 0; q < out.w; ++q) {
        const real d = k.dy(n, 0, p, q) * share;
        for (int r = 0; r < k.patch; ++r) {
          real* dx = k.dx.data + offset(in, n, 0, p * k.stride + r, q * k.stride);
          for (int i = 0; i < line; ++i) dx[i] += d;
        }
      }
  });
}

}  // namespace
}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace snag {
HWY_EXPORT(sum);
HWY_EXPORT(image_mean);
HWY_EXPORT(image_spread);
HWY_EXPORT(channel_sum);
HWY_EXPORT(channel_spread);
HWY_EXPORT(add_bias);
HWY_EXPORT(patch_mean);
HWY_EXPORT(patch_mean_grad);
void launch(Cpu& cpu, const Sum& k) { HWY_DYNAMIC_DISPATCH(sum)(cpu, k); }
void launch(Cpu& cpu, const ImageMean& k) { HWY_DYNAMIC_DISPATCH(image_mean)(cpu, k); }
void launch(Cpu& cpu, const ImageSpread& k) { HWY_DYNAMIC_DISPATCH(image_spread)(cpu, k); }
void launch(Cpu& cpu, const ChannelSum& k) { HWY_DYNAMIC_DISPATCH(channel_sum)(cpu, k); }
void launch(Cpu& cpu, const ChannelSpread& k) { HWY_DYNAMIC_DISPATCH(channel_spread)(cpu, k); }
void launch(Cpu& cpu, const AddBias& k) { HWY_DYNAMIC_DISPATCH(add_bias)(cpu, k); }
void launch(Cpu& cpu, const PatchMean& k) { HWY_DYNAMIC_DISPATCH(patch_mean)(cpu, k); }
void launch(Cpu& cpu, const PatchMeanGrad& k) { HWY_DYNAMIC_DISPATCH(patch_mean_grad)(cpu, k); }
}  // namespace snag
#endif
