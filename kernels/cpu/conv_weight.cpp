#include <algorithm>
#include <cstdint>

#include "kernels/conv.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/conv_weight.cpp"
#include <hwy/foreach_target.h>

#include "kernels/cpu/direct_weight-inl.h"
#include "kernels/cpu/gather-inl.h"
#include "kernels/cpu/image_weight-inl.h"
#include "kernels/cpu/outer-inl.h"
#include "kernels/cpu/weight_way-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {
namespace {

// Per tap, the weight gradient is a sum over pixels of outer products of a small pixel's channels and a big pixel's.
// Either side can be the one that is read in vectors, if its channels fill them; where they do not, as in a one-channel
// image, the big side is first copied into rows of all taps (`patches`), which are then one tap of many channels.
struct Plan {
  int taps, big_channels, small_channels;
  bool small_in_vectors;
  const Unit* units;
  int unit_count, y_vectors;
  std::ptrdiff_t sums;  // elements that all units need, or the largest of them where they share them
};

Plan make_plan(Scratch& scratch, int taps, int big_channels, int small_channels, bool small_in_vectors, bool shared) {
  Plan plan{taps, big_channels, small_channels, small_in_vectors, nullptr, 0, 0, 0};
  const int x_channels = small_in_vectors ? big_channels : small_channels;
  plan.y_vectors = (small_in_vectors ? small_channels : big_channels + kLanes - 1) / kLanes;
  Unit* units = scratch.take<Unit>(static_cast<std::size_t>(taps * x_channels));
  for (int tap = 0; tap < taps; ++tap)
    for (int x = 0; x < x_channels;) {
      const int height = unit_height(x_channels - x, plan.y_vectors);
      const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(height) * plan.y_vectors * kLanes;
      units[plan.unit_count++] = {tap, x, height, shared ? 0 : plan.sums};
      plan.sums = shared ? std::max(plan.sums, size) : plan.sums + size;
      x += height;
    }
  plan.units = units;
  return plan;
}

// Adds the sums of `chunks` chunks in order and puts them where they belong in dw [small channel][tap][big channel].
void deliver(const Plan& plan, const Unit& u, real* sums, int chunks, real* dw) {
  sums += u.sums;
  const int size = u.height * plan.y_vectors * kLanes;
  for (int chunk = 1; chunk < chunks; ++chunk)
    for (int i = 0; i < size; i += kLanes) store(hn::Add(load(sums + i), load(sums + chunk * plan.sums + i)), sums + i);
  const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(plan.taps) * plan.big_channels;
  for (int v = 0; v < plan.y_vectors; ++v) {
    const int in_pair = v + 1 == plan.y_vectors && v % 2 == 0 ? 1 : 2;
    for (int i = 0; i < u.height; ++i) {
      const real* from = sums + ((v - v % 2) * u.height + i * in_pair + v % 2) * kLanes;
      real* tap = dw + static_cast<std::ptrdiff_t>(u.tap) * plan.big_channels;
      real* to = plan.small_in_vectors ? tap + v * kLanes * row + u.x + i : tap + (u.x + i) * row + v * kLanes;
      if (plan.small_in_vectors)
        for (int lane = 0; lane < kLanes; ++lane) to[lane * row] = from[lane];
      else
        copy(to, from, std::min(kLanes, plan.big_channels - v * kLanes));
    }
  }
}

// The pixels that each tap joins, as offsets within an image.
struct TapPairs {
  Pair* data;
  int* begin;  // of tap t: begin[t] .. begin[t + 1]
};

TapPairs tap_pairs(Scratch& scratch, const ConvWeight& k) {
  const Shape big = k.big.shape, small = k.small.shape;
  const int taps = k.g.kernel * k.g.kernel;
  TapPairs pairs{scratch.take<Pair>(static_cast<std::size_t>(taps) * static_cast<std::size_t>(small.h * small.w)),
                 scratch.take<int>(static_cast<std::size_t>(taps) + 1)};
  int count = 0;
  for (int tap = 0; tap < taps; ++tap) {
    pairs.begin[tap] = count;
    for (int p = 0; p < small.h; ++p) {
      const int y = p * k.g.stride + tap / k.g.kernel - k.g.pad;
      if (y < 0 || y >= big.h) continue;
      for (int q = 0; q < small.w; ++q) {
        const int x = q * k.g.stride + tap % k.g.kernel - k.g.pad;
        if (x < 0 || x >= big.w) continue;
        const int s = (p * small.w + q) * small.c, b = (y * big.w + x) * big.c;
        pairs.data[count++] = {b, s};
      }
    }
  }
  pairs.begin[taps] = count;
  return pairs;
}

// Straight from the operands. Each task owns some units and takes all images through them, a few at a time, so that
// these stay in cache. If all do, a unit is delivered while its sums are in L1: few images are bound by writing dw.
void small_in_vectors(Cpu& cpu, Scratch& scratch, const ConvWeight& k) {
  const Shape big = k.big.shape, small = k.small.shape;
  constexpr int kCached = 1 << 15;
  const int step = std::clamp(kCached / (big.image() + small.image()), 1, std::max(1, big.n));
  const bool once = step >= big.n;
  const Plan plan = make_plan(scratch, k.g.kernel * k.g.kernel, big.c, small.c, true, once);
  const TapPairs pairs = tap_pairs(scratch, k);
  const std::size_t copies = once ? static_cast<std::size_t>(cpu.pool.threads()) : 1;
  real* const all_sums = scratch.take<real>(copies * static_cast<std::size_t>(plan.sums));
  const int tasks = std::min(plan.unit_count, 2 * cpu.pool.threads());
  cpu.pool.parallel_for(tasks, [&](int task, int thread) {
    const int begin = static_cast<int>(std::int64_t{plan.unit_count} * task / tasks),
              end = static_cast<int>(std::int64_t{plan.unit_count} * (task + 1) / tasks);
    real* sums = once ? all_sums + thread * plan.sums : all_sums;
    for (int n = 0; n < big.n; n += step)
      for (int u = begin; u < end; ++u) {
        const int first = pairs.begin[plan.units[u].tap], last = pairs.begin[plan.units[u].tap + 1];
        const Factors f{k.big.data, k.small.data, big.image(), small.image(), pairs.data + first, last - first};
        const int until = std::min(n + step, big.n);
        outer(f, plan.units[u], plan.y_vectors, n, until, n == 0, sums);
        if (until == big.n) deliver(plan, plan.units[u], sums, 1, k.dw.data);
      }
  });
}

// By way of patches. Taps and channels may be too few to feed the threads, so images are cut into chunks, as the shape
// decides, and the chunks' sums are added in order.
void patches(Cpu& cpu, Scratch& scratch, const ConvWeight& k) {
  const Shape big = k.big.shape, small = k.small.shape;
  const int columns = k.g.kernel * k.g.kernel * big.c, padded = (columns + kLanes - 1) / kLanes * kLanes;
  const bool small_in_vectors = small.c % kLanes == 0 && (small.c > kLanes || padded > kLanes);
  const Plan plan = make_plan(scratch, 1, columns, small.c, small_in_vectors, false);
  constexpr std::ptrdiff_t kMostSums = 1 << 22;
  const int chunks = static_cast<int>(std::clamp<std::ptrdiff_t>(kMostSums / plan.sums, 1, std::clamp(big.n, 1, 16)));
  const int pixels = small.h * small.w, rows = std::clamp((1 << 13) / padded, 1, std::max(1, pixels));
  const int threads = cpu.pool.threads();
  const WindowProblem window = window_problem(ConvDown{{nullptr, small}, k.big, {}, k.g});
  const Stretch all_y = *stretches(scratch, window.y, true).data, all_x = *stretches(scratch, window.x, true).data;
  real* sums = scratch.take<real>(static_cast<std::size_t>(chunks * plan.sums));
  real* all_rows = scratch.take<real>(static_cast<std::size_t>(threads * rows) * static_cast<std::size_t>(padded));
  cpu.pool.parallel_for(chunks, [&](int chunk, int thread) {
    real* const patch = all_rows + static_cast<std::ptrdiff_t>(thread) * rows * padded;
    const Pair origin{0, 0};
    bool first = true;
    const int begin = big.n * chunk / chunks, end = big.n * (chunk + 1) / chunks;
    if (padded > columns) std::fill_n(patch, rows * padded, real(0));
    for (int n = begin; n < end; ++n)
      for (int m = 0; m < pixels; m += rows) {
        const int count = std::min(rows, pixels - m);
        gather(window, all_y, all_x, n * pixels + m, count, {patch, padded, padded, 0});
        Factors f{
            k.small.data + (static_cast<std::ptrdiff_t>(n) * pixels + m) * small.c, patch, small.c, padded, &origin, 1};
        if (small_in_vectors) f = {f.y, f.x, f.y_image, f.x_image, f.pairs, f.pair_count};
        for (int u = 0; u < plan.unit_count; ++u)
          outer(f, plan.units[u], plan.y_vectors, 0, count, first, sums + chunk * plan.sums);
        first = false;
      }
  });
  cpu.pool.parallel_for(plan.unit_count, [&](int u) { deliver(plan, plan.units[u], sums, chunks, k.dw.data); });
}

void conv_weight(Cpu& cpu, const ConvWeight& k) {
  Scratch scratch(cpu.memory);
  switch (weight_way(k)) {
    case WeightWay::image:
      return image_weight(cpu, scratch, k);
    case WeightWay::winograd:
      by_winograd(k.big.shape, k.small.shape, k.g, kGradientsOfTile,
                  [&](auto scheme) { winograd_weight<decltype(scheme)>(cpu, k); });
      return;
    case WeightWay::direct:
      return direct_weight(cpu, scratch, k);
    case WeightWay::small_in_vectors:
      return small_in_vectors(cpu, scratch, k);
    case WeightWay::patches:
      return patches(cpu, scratch, k);
  }
}

}  // namespace
}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace snag {
HWY_EXPORT(conv_weight);
void launch(Cpu& cpu, const ConvWeight& k) { HWY_DYNAMIC_DISPATCH(conv_weight)(cpu, k); }
}  // namespace snag
#endif
