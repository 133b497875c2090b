#include <doctest/doctest.h>

#include <cmath>

#include "tests/kernel_cases.h"

namespace snag {

void run_on_each_backend(const std::vector<KernelCase>& cases) {
  for (const TestBackend& device : test_backends()) {
    const std::unique_ptr<Backend> backend = device.make();
    for (const KernelCase& c : cases) {
      CAPTURE(device.name);
      CAPTURE(c.what);
      c.check(*backend);
      backend->rewind(0);
    }
  }
}

namespace {

constexpr double kRelative = kDouble ? 1e-13 : 1e-6;

void check_close(const Numbers& x, const Numbers& expected) {
  REQUIRE(x.size() == expected.size());
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(x[i] == doctest::Approx(expected[i]).epsilon(kRelative));
}

std::int32_t value(Backend& backend, Counter counter) {
  std::int32_t host = 0;
  backend.download(&host, counter.data, sizeof host);
  return host;
}

constexpr int kMany = 70001;  // several shares of every thread, and no multiple of a vector

Shape vector(std::size_t size) { return {.c = static_cast<int>(size)}; }

void fill(Backend& b) {
  const Numbers x = gaussian(kMany, 1);
  const View whole = put(b, vector(kMany), x), part{whole.data + 1, {.c = kMany - 2}};
  b.run(Fill{.y = part, .value = real(0.25)});
  Numbers expected(x.size(), 0.25);
  expected.front() = x.front();
  expected.back() = x.back();
  CHECK(get(b, whole) == expected);
}

void advance(Backend& b) {
  const Counter counter = put_counter(b, 41);
  b.run(Advance{.counter = counter});
  CHECK(value(b, counter) == 42);
}

void accumulate(Backend& b) {
  const View total = put(b, vector(3), {1, 2, 3}), count = put(b, vector(3), {5, 6, 7}), x = put(b, {}, {0.5});
  const View y = put(b, {}, {-4});
  b.run(Accumulate{.total = total, .count = count, .entries = {.x = {x.data, y.data}, .slot = {1, 0}, .count = 2}});
  b.run(Accumulate{.total = total, .count = count, .entries = {.x = {x.data}, .slot = {1}, .count = 1}});
  CHECK(get(b, total) == Numbers{-3, 3, 3});
  CHECK(get(b, count) == Numbers{6, 8, 7});
}

// The first step copies the weights, then the average slows down until `decay` holds; it takes in what is not trained.
void average(Backend& b) {
  const int trained = kMany - 77;
  const Numbers w = gaussian(kMany, 1), before = gaussian(kMany, 2), g = gaussian(trained, 3),
                zero(static_cast<std::size_t>(trained), 0);
  for (const auto& [step, keep] : {std::pair{0, 0.0}, {10, 0.5}, {30, 0.75}, {1000000, 0.75}}) {
    const View list = put(b, vector(kMany), w), average = put(b, vector(kMany), before);
    b.run(Adam{.w = list,
               .average = average,
               .m = put(b, vector(zero.size()), zero),
               .v = put(b, vector(zero.size()), zero),
               .g = {.data = {put(b, vector(g.size()), g).data}, .begin = {0, trained}, .count = 1},
               .step = put_counter(b, step),
               .updates = put_counter(b, 1),
               .schedule = {.base = 0.125},
               .beta1 = 0.5,
               .beta2 = 0.75,
               .eps = 1e-8,
               .weight_decay = 0,
               .decay = 0.75});
    const Numbers now = get(b, list);
    Numbers expected;
    for (std::size_t i = 0; i < w.size(); ++i) expected.push_back(keep * before[i] + (1 - keep) * now[i]);
    CHECK(normalised_error(get(b, average), expected) <= kRelative * kRelative);
    for (std::size_t i = zero.size(); i < w.size(); ++i) CHECK(now[i] == w[i]);
    CHECK(std::abs(now[0] - w[0]) == doctest::Approx(0.125).epsilon(1e-3));
  }
}

// Mean, deviation, skewness 0 and kurtosis 3 within four standard errors; of another parameter other numbers.
void draw_normal(Backend& b) {
  const auto drawn = [&](double deviation, std::uint32_t sub) {
    const View y = put(b, vector(kMany), Numbers(kMany, 0));
    b.run(DrawNormal{.y = y, .mean = 0.5, .deviation = deviation, .sub = sub, .seed = 3});
    return get(b, y);
  };
  double moment[5] = {};
  for (const double x : drawn(2, 7))
    for (int k = 1; k <= 4; ++k) moment[k] += std::pow((x - 0.5) / 2, k) / kMany;
  const double error = 4 / std::sqrt(double(kMany));
  CHECK(std::abs(moment[1]) < error);
  CHECK(std::abs(moment[2] - 1) < error * std::sqrt(2));
  CHECK(std::abs(moment[3]) < error * std::sqrt(15));
  CHECK(std::abs(moment[4] - 3) < error * std::sqrt(96));
  CHECK(drawn(2, 7) == drawn(2, 7));
  CHECK(drawn(2, 7) != drawn(2, 8));
  CHECK(drawn(0, 7) == Numbers(kMany, 0.5));
}

// import torch; from torch.optim.lr_scheduler import *
// w = torch.nn.Parameter(torch.tensor([0.5, -1.0, 2.0, 0.25, -0.125], dtype=torch.float64))
// opt = torch.optim.AdamW([w], lr=0.1, betas=(0.5, 0.999), eps=1e-3, weight_decay=0.25)
// rate = ChainedScheduler([LinearLR(opt, 1 / 4, 1, 3), CosineAnnealingLR(opt, 10)])
// rate.step(); rate.step()
// for k in range(4):
//     w.grad = torch.tensor([0.5, -2.0, 0.0, 1e-4, 3.0], dtype=torch.float64) * (1 - k * 0.75); opt.step(); rate.step()
// print(w.tolist())
void adam(Backend& b) {
  const View w = put(b, vector(5), {0.5, -1.0, 2.0, 0.25, -0.125}), m = put(b, vector(5), Numbers(5, 0)),
             v = put(b, vector(5), Numbers(5, 0)), g1 = put(b, vector(2), {0, 0}), g2 = put(b, vector(3), {0, 0, 0});
  const Counter step = put_counter(b, 2), updates = put_counter(b, 0);
  const Schedule schedule{.base = 0.1, .warmup = 4, .total = 10, .cosine = true};
  for (int k = 0; k < 4; ++k) {
    const double scale = 1 - k * 0.75;
    const std::vector<real> g = {static_cast<real>(0.5 * scale), static_cast<real>(-2 * scale), 0,
                                 static_cast<real>(1e-4 * scale), static_cast<real>(3 * scale)};
    b.upload(g1.data, g.data(), 2 * sizeof(real));
    b.upload(g2.data, g.data() + 2, 3 * sizeof(real));
    b.run(Advance{.counter = updates});
    b.run(Adam{.w = w,
               .average = {},
               .m = m,
               .v = v,
               .g = {.data = {g1.data, g2.data}, .begin = {0, 2, 5}, .count = 2},
               .step = step,
               .updates = updates,
               .schedule = schedule,
               .beta1 = 0.5,
               .beta2 = 0.999,
               .eps = 1e-3,
               .weight_decay = 0.25,
               .decay = 0});
    b.run(Advance{.counter = step});
  }
  check_close(get(b, w),
              {0.398874882207802, -0.866716656597551, 1.87183348726031, 0.228173342626514, -0.186202660406311});
}

// Adam over many parameters equals Adam over each alone, wherever its gradient lies.
void adam_of_many(Backend& b) {
  const std::vector<int> sizes = {1, 4097, 16, 12345, 3};
  const int total = 16462;
  const Numbers w0 = gaussian(total, 1), g0 = gaussian(total, 2), zero(static_cast<std::size_t>(total), 0);
  const auto state = [&](const Numbers& x) { return put(b, vector(x.size()), x); };
  Adam all{.w = state(w0),
           .average = {},
           .m = state(zero),
           .v = state(zero),
           .g = {},
           .step = put_counter(b, 0),
           .updates = put_counter(b, 1),
           .schedule = {.base = 0.125},
           .beta1 = 0.5,
           .beta2 = 0.75,
           .eps = 1e-8,
           .weight_decay = 0,
           .decay = 0};
  for (const int size : sizes) {
    const int begin = all.g.begin[all.g.count];
    Numbers g(g0.begin() + begin, g0.begin() + begin + size);
    if (all.g.count % 2 == 1) {  // in two halves
      for (double& x : g) x /= 2;
      all.g.more[all.g.count] = state(g).data;
    }
    all.g.data[all.g.count] = state(g).data;
    all.g.begin[++all.g.count] = begin + size;
  }
  b.run(all);
  Numbers m, v, w;
  for (std::size_t i = 0; i < g0.size(); ++i) {
    m.push_back(0.5 * g0[i]);
    v.push_back(0.25 * g0[i] * g0[i]);
    w.push_back(w0[i] - 0.125 * g0[i] / (std::abs(g0[i]) + 1e-8));  // the first step, its bias corrected
  }
  CHECK(normalised_error(get(b, all.m), m) <= kRelative * kRelative);
  CHECK(normalised_error(get(b, all.v), v) <= kRelative * kRelative);
  CHECK(normalised_error(get(b, all.w), w) <= kRelative * kRelative);
}

// bn = torch.nn.BatchNorm2d(2, momentum=0.25).double()
// bn.running_mean.copy_(torch.tensor([1.0, -2.0])); bn.running_var.copy_(torch.tensor([0.5, 4.0]))
// x = torch.arange(24, dtype=torch.float64).reshape(3, 2, 2, 2).sin(); bn(x); bn(x * 2 + 1)
// print(bn.running_mean.tolist(), bn.running_var.tolist())
void batch_norm_track(Backend& b) {
  const View mean = put(b, vector(2), {1, -2}), var = put(b, vector(2), {0.5, 4}),
             mean_of_groups = put(b, vector(2), {1, -2}), var_of_groups = put(b, vector(2), {0.5, 4}),
             one = put(b, vector(2), {1, 1}), zero = put(b, vector(2), {0, 0});
  const auto track = [&](View x, View running_mean, View running_var, int groups) {
    const Numbers empty(static_cast<std::size_t>(2 * groups), 0);
    const View now_mean = put(b, {.n = groups, .c = 2}, empty), now_var = put(b, {.n = groups, .c = 2}, empty);
    b.run(BatchNormStats{.mean = now_mean, .var = now_var, .x = x});
    b.run(BatchNorm{.y = x,
                    .x = x,
                    .mean = now_mean,
                    .var = now_var,
                    .gamma = one,
                    .beta = zero,
                    .running = {running_mean, running_var, real(0.25), real(12) / 11},
                    .eps = 0,
                    .slope = 1});
  };
  Numbers both;
  for (const double scale : {1.0, 2.0}) {
    const Shape s{3, 2, 2, 2};
    Numbers x(24);
    for (int i = 0; i < 24; ++i)
      x[static_cast<std::size_t>(offset(s, i / 8, i / 4 % 2, i / 2 % 2, i % 2))] = scale * std::sin(i) + scale - 1;
    both.insert(both.end(), x.begin(), x.end());
    track(put(b, s, x), mean, var, 1);
  }
  track(put(b, {6, 2, 2, 2}, both), mean_of_groups, var_of_groups, 2);
  for (const View& m : {mean, mean_of_groups}) check_close(get(b, m), {0.806710275380817, -0.813075567545437});
  for (const View& v : {var, var_of_groups}) check_close(get(b, v), {0.884952144980017, 2.90019855446819});
}

// Where the mean is large against the deviation, E x^2 - (E x)^2 would lose all digits in float.
void batch_norm_stats_far_from_zero(Backend& b) {
  Numbers x = gaussian(3000, 1);
  double mean = 0, var = 0;
  for (double& e : x) mean += (e = static_cast<float>(e / 16 + 1000)) / 3000;
  for (const double e : x) var += (e - mean) * (e - mean) / 3000;
  const View m = put(b, {}, {0}), v = put(b, {}, {0});
  b.run(BatchNormStats{.mean = m, .var = v, .x = put(b, {3000, 1, 1, 1}, x)});
  CHECK(get(b, m)[0] == doctest::Approx(mean).epsilon(kRelative));
  CHECK(get(b, v)[0] == doctest::Approx(var).epsilon(1e-5));
}

// Under its floor the ABC loss keeps the floor's value and gradient: neither is infinite, and it still pushes.
void abc_under_its_floor(Backend& b) {
  const View l = put(b, vector(3), {0, 1e-7, 1e-6}), y = put(b, vector(3), {0, 0, 0}),
             dl = put(b, vector(3), {0, 0, 0});
  b.run(Abc{.y = y, .l = l});
  b.run(AbcGrad{.dl = dl, .l = l, .dy = put(b, vector(3), {1, 1, 1})});
  for (const double e : get(b, y)) CHECK(e == doctest::Approx(13.8155110579643).epsilon(1e-6));  // -log(1 - exp(-1e-6))
  for (const double e : get(b, dl)) CHECK(e == doctest::Approx(-999999.5).epsilon(1e-6));
}

// A recorded step runs as often as asked, not when it is recorded; what varies lies in device memory.
void recorded_step(Backend& b) {
  const Counter step = put_counter(b, 0);
  const View total = put(b, {}, {0}), count = put(b, {}, {0}), x = put(b, {}, {0.5});
  const std::unique_ptr<Recording> recording = b.record([&] {
    b.run(Accumulate{.total = total, .count = count, .entries = {.x = {x.data}, .slot = {0}, .count = 1}});
    b.run(Advance{.counter = step});
  });
  CHECK(value(b, step) == 0);
  for (int i = 0; i < 3; ++i) recording->run();
  CHECK(value(b, step) == 3);
  CHECK(get(b, total) == Numbers{1.5});
  CHECK(get(b, count) == Numbers{3});
}

TEST_CASE("kernels that no op runs equal independent numbers") { run_on_each_backend(optimiser_cases()); }

}  // namespace

std::vector<KernelCase> optimiser_cases() {
  return {{"Fill writes its range and nothing else", fill},
          {"Advance adds one", advance},
          {"Accumulate adds to its slot", accumulate},
          {"DrawNormal draws from its normal distribution", draw_normal},
          {"the average ramps up to its decay", average},
          {"Adam and its schedule equal torch.optim.AdamW", adam},
          {"Adam reads each parameter's own gradient", adam_of_many},
          {"running statistics equal torch.nn.BatchNorm2d's", batch_norm_track},
          {"BatchNormStats far from zero", batch_norm_stats_far_from_zero},
          {"ABC loss under its floor", abc_under_its_floor},
          {"a recorded step", recorded_step}};
}

}  // namespace snag
