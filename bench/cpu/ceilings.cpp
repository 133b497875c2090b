#include "bench/cpu/ceilings.h"

#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/cpu/ceilings.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "bench/cpu/timing.h"

HWY_BEFORE_NAMESPACE();
namespace snag::bench::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Twelve chains of multiply-adds hide a latency of 4 at 2 a cycle, and fit the 16 registers of AVX2. Each chain goes to
// its fixed point 1, so no number becomes denormal. Returns the operations done; what they gave goes to `sink`.
double multiply_adds(int rounds, float* sink) {
  constexpr int kChains = 12, kUnrolled = 8;
  const hn::ScalableTag<float> d;
  const auto half = hn::Set(d, 0.5F);
  auto a = hn::Set(d, 0.10F), b = hn::Set(d, 0.11F), c = hn::Set(d, 0.12F), e = hn::Set(d, 0.13F),
       f = hn::Set(d, 0.14F), g = hn::Set(d, 0.15F), h = hn::Set(d, 0.16F), i = hn::Set(d, 0.17F),
       j = hn::Set(d, 0.18F), k = hn::Set(d, 0.19F), l = hn::Set(d, 0.20F), m = hn::Set(d, 0.21F);
  for (int round = 0; round < rounds; ++round)
    for (int u = 0; u < kUnrolled; ++u) {
      a = hn::MulAdd(a, half, half), b = hn::MulAdd(b, half, half), c = hn::MulAdd(c, half, half);
      e = hn::MulAdd(e, half, half), f = hn::MulAdd(f, half, half), g = hn::MulAdd(g, half, half);
      h = hn::MulAdd(h, half, half), i = hn::MulAdd(i, half, half), j = hn::MulAdd(j, half, half);
      k = hn::MulAdd(k, half, half), l = hn::MulAdd(l, half, half), m = hn::MulAdd(m, half, half);
    }
  const auto low = hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, e)), hn::Add(f, g));
  const auto high = hn::Add(hn::Add(hn::Add(h, i), hn::Add(j, k)), hn::Add(l, m));
  *sink = hn::GetLane(hn::Add(low, high));
  return 2.0 * kChains * kUnrolled * rounds * static_cast<double>(hn::Lanes(d));
}

}  // namespace
}  // namespace snag::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace snag::bench {
namespace {

HWY_EXPORT(multiply_adds);

constexpr int kTries = 15;

// The most work a second of `tries`; `work` returns how much it did.
template <class Work>
double most(const Work& work) {
  double best = 0;
  for (int i = 0; i < kTries; ++i) {
    double done = 0;
    const double time = seconds([&] { done = work(); });
    best = std::max(best, done / time);
  }
  return best;
}

double fma_rate(ThreadPool& pool, int threads) {
  constexpr int kRounds = 1 << 17;  // some milliseconds
  struct alignas(64) Sink {
    float value;
  };
  const auto sinks = std::make_unique<Sink[]>(static_cast<std::size_t>(threads));
  const auto work = HWY_DYNAMIC_DISPATCH(multiply_adds);
  return most([&] {
    std::atomic<double> done = 0;
    pool.parallel_for(threads, [&](int t) { done += work(kRounds, &sinks[static_cast<std::size_t>(t)].value); });
    return done.load();
  });
}

double copy_rate(ThreadPool& pool) {
  constexpr std::size_t kBytes = std::size_t{128} << 20;  // many times any cache
  const auto from = std::make_unique<char[]>(kBytes), to = std::make_unique<char[]>(kBytes);
  const auto threads = static_cast<std::size_t>(pool.threads());
  return most([&] {
    pool.parallel_for(pool.threads(), [&](int t) {
      const std::size_t begin = kBytes / threads * static_cast<std::size_t>(t);
      std::memcpy(to.get() + begin, from.get() + begin, kBytes / threads);
    });
    return 2.0 * static_cast<double>(kBytes);
  });
}

}  // namespace

Ceilings measured_ceilings(ThreadPool& pool) {
  return {.fma = fma_rate(pool, pool.threads()), .fma_thread = fma_rate(pool, 1), .copy = copy_rate(pool)};
}

}  // namespace snag::bench
#endif
