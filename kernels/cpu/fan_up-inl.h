// ConvUp from one channel: the gradient of a network's last convolution. Each big pixel is the sum of as many lines of
// weights, used as they lie, as small pixels see it.
#if defined(SNAG_FAN_UP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_FAN_UP_INL_H
#undef SNAG_FAN_UP_INL_H
#else
#define SNAG_FAN_UP_INL_H
#endif

#include <algorithm>
#include <cstddef>

#include "kernels/conv.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

constexpr int kFan = kManyRegisters ? 16 : 8;  // vectors of a pixel in registers
constexpr int kFanTask = 1 << 16;              // products of a task, at least: less is done sooner than shared

// Small pixels begin .. end see big pixel `at` of a line or column.
struct Seeing {
  int begin, end;
  Seeing(const Conv& g, int at, int small)
      : begin(std::max(0, (at + g.pad - g.kernel + g.stride) / g.stride)),
        end(std::min(small, (at + g.pad) / g.stride + 1)) {}
};

// V vectors of channels from c on of big pixel (y, x) of image n. Each sum is one chain over the small pixels.
template <int V>
HWY_INLINE void fan_vectors(const ConvUp& k, int n, int y, int x, const Seeing& rows, const Seeing& columns, int c) {
  const Conv& g = k.g;
  const Shape small = k.small.shape, big = k.big.shape;
  Vector sum[V];
  SNAG_UNROLL(16)
  for (int v = 0; v < V; ++v) sum[v] = set(0);
  for (int p = rows.begin; p < rows.end; ++p)
    for (int q = columns.begin; q < columns.end; ++q) {
      const int tap = (y + g.pad - p * g.stride) * g.kernel + x + g.pad - q * g.stride;
      const Vector s = set(k.small.data[(n * small.h + p) * small.w + q]);
      const real* line = k.w.data + static_cast<std::ptrdiff_t>(tap) * big.c + c;
      SNAG_UNROLL(16)
      for (int v = 0; v < V; ++v) sum[v] = hn::MulAdd(s, load(line + v * kLanes), sum[v]);
    }
  real* out = k.big.data + offset(big, n, c, y, x);
  SNAG_UNROLL(16)
  for (int v = 0; v < V; ++v) store(sum[v], out + v * kLanes);
}

// For one small channel and whole vectors of big ones.
inline void fan_up(Cpu& cpu, const ConvUp& k) {
  const Shape big = k.big.shape;
  const int lines = big.n * big.h, seen = (k.g.kernel + k.g.stride - 1) / k.g.stride,
            share = std::max(1, kFanTask / std::max(1, big.w * big.c * seen * seen));
  cpu.pool.parallel_for((lines + share - 1) / share, [&](int task) {
    for (int line = task * share; line < std::min(lines, (task + 1) * share); ++line) {
      const int n = line / big.h, y = line % big.h;
      const Seeing rows(k.g, y, k.small.shape.h);
      for (int x = 0; x < big.w; ++x) {
        const Seeing columns(k.g, x, k.small.shape.w);
        int c = 0;
        for (; c + kFan * kLanes <= big.c; c += kFan * kLanes) fan_vectors<kFan>(k, n, y, x, rows, columns, c);
        for (; c < big.c; c += kLanes) fan_vectors<1>(k, n, y, x, rows, columns, c);
      }
    }
  });
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
