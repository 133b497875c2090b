// The weight gradient, with whole vectors of big channels read where they lie: each place of the window joins a
// rectangle of positions. With few images writing dw is most of the work: each of its lines is written once, in order.
#if defined(SNAG_DIRECT_WEIGHT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_DIRECT_WEIGHT_INL_H
#undef SNAG_DIRECT_WEIGHT_INL_H
#else
#define SNAG_DIRECT_WEIGHT_INL_H
#endif

#include <algorithm>
#include <cstddef>

#include "kernels/conv.h"
#include "kernels/cpu/direct-inl.h"
#include "kernels/cpu/outer-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

// dw[i][v] (+)= sum over the sight's positions of small[position][i] * big[position][v], for H small channels and NV
// vectors
template <int H, int NV>
HWY_INLINE void weight_tile(int images, const Sight& s, const real* small, Grid in_small, const real* big, Grid in_big,
                            bool first, real* dw, std::ptrdiff_t row) {
  Vector sum[H][NV];
#pragma GCC unroll 8
  for (int i = 0; i < H; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) sum[i][v] = first ? hn::Zero(Tag()) : load(dw + i * row + v * kLanes);
  for (int n = 0; n < images; ++n)
    for (int y = 0; y < s.lines; ++y) {
      const real* a = small + n * in_small.image + y * in_small.line;
      const real* b = big + n * in_big.image + y * in_big.line;
      for (int x = 0; x < s.width; ++x, a += in_small.pixel, b += in_big.pixel) add_products(a, b, sum);
    }
#pragma GCC unroll 8
  for (int i = 0; i < H; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) store(sum[i][v], dw + i * row + v * kLanes);
}

// H small channels from `channel` on, and one line of the window, all places of which p has. The small channels are
// first packed side by side: pixels lie powers of two apart, where few of them fit into L1.
template <int H>
void weight_lines(const WindowProblem& p, const real* small, int small_channels, bool first, real* packed, real* dw,
                  std::ptrdiff_t row) {
  const Grid in_packed{H, std::ptrdiff_t{H} * p.x.positions, std::ptrdiff_t{H} * p.x.positions * p.y.positions};
  for (int i = 0; i < p.rows(); ++i) copy(packed + i * H, small + static_cast<std::ptrdiff_t>(i) * small_channels, H);
  for_each_sight(p, [&](const Sight& s) {
    const real* a = packed + s.y * in_packed.line + s.x * in_packed.pixel;
    const real* b = first_seen(p, s, 0);
    real* out = dw + first_element(p, s);
    const int elements = s.places * p.in_channels;
    int e = 0;
    for (; e + 2 * kLanes <= elements; e += 2 * kLanes)
      weight_tile<H, 2>(p.images, s, a, in_packed, b + e, positions_in(p), first, out + e, row);
    if (e < elements) weight_tile<H, 1>(p.images, s, a, in_packed, b + e, positions_in(p), first, out + e, row);
  });
}

// The weight gradient over some images, in tasks: up to kWeightChannels small channels and one line of the window each.
struct WeightTasks {
  static constexpr int kWeightChannels = kOuterTile / 2;
  WindowProblem window;
  const real* small;
  Shape small_shape;
  int kernel;

  WeightTasks(const ConvWeight& k, int first_image, int images)
      : small(k.small.data + std::ptrdiff_t{first_image} * k.small.shape.image()),
        small_shape(k.small.shape),
        kernel(k.g.kernel) {
    ConvDown block{{nullptr, k.small.shape}, k.big, {}, k.g};
    block.small.shape.n = block.big.shape.n = small_shape.n = images;
    block.big.data += std::ptrdiff_t{first_image} * k.big.shape.image();
    window = window_problem(block);
  }
  // So many images that what they are packed into stays in the caches.
  static int most_images(Shape small) {
    constexpr int kPositions = 1 << 12;
    return std::max(1, kPositions / (small.h * small.w));
  }

  int count() const { return (small_shape.c + kWeightChannels - 1) / kWeightChannels * kernel; }
  int first_channel(int task) const { return task / kernel * kWeightChannels; }
  int channels(int task) const { return std::min(kWeightChannels, small_shape.c - first_channel(task)); }
  std::ptrdiff_t line() const { return std::ptrdiff_t{kernel} * window.in_channels; }  // elements
  std::ptrdiff_t row() const { return kernel * line(); }                               // of a small channel in dw
  // where the task's line of its first channel lies in dw
  std::ptrdiff_t begin(int task) const { return first_channel(task) * row() + task % kernel * line(); }
  std::size_t packed() const { return static_cast<std::size_t>(window.rows()) * kWeightChannels; }

  // Writes, or adds to, the task's lines, which lie `row` apart; `room` holds packed() elements.
  void run(int task, bool first, real* room, real* lines, std::ptrdiff_t row) const {
    WindowProblem p = window;
    p.y.origin += task % kernel;
    p.y.window = 1;
    const real* in_small = small + first_channel(task);
    int left = channels(task);
    const auto some = [&]<int H>() {
      weight_lines<H>(p, in_small, small_shape.c, first, room, lines, row);
      in_small += H, lines += H * row, left -= H;
    };
    while (left >= kWeightChannels) some.template operator()<kWeightChannels>();
    while (left >= 4) some.template operator()<4>();
    while (left > 0) some.template operator()<1>();
  }
};

inline void direct_weight(Cpu& cpu, Scratch& scratch, const ConvWeight& k) {
  const int images = k.small.shape.n,
            step = std::clamp(WeightTasks::most_images(k.small.shape), 1, std::max(1, images));
  const std::size_t packed = WeightTasks(k, 0, step).packed();
  real* const room = scratch.take<real>(static_cast<std::size_t>(cpu.pool.threads()) * packed);
  for (int n = 0; n < images; n += step) {
    const WeightTasks tasks(k, n, std::min(step, images - n));
    cpu.pool.parallel_for(tasks.count(), [&](int task, int thread) {
      tasks.run(task, n == 0, room + static_cast<std::size_t>(thread) * packed, k.dw.data + tasks.begin(task),
                tasks.row());
    });
  }
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
