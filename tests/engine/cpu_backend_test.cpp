#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>

#include "base/error.h"
#include "tests/support.h"

// The tuned kernels of the CPU backend against the portable ones, on host memory, so that a sanitizer sees every byte.
namespace snag {
namespace {

// Float: rounding of sums of up to some thousand products. Double: the same with 2^-53.
constexpr double kTolerance = kDouble ? 1e-26 : 1e-10;
constexpr int kGuard = 64;

// The operands of one kernel: inputs of exact size, outputs full of NaN between guards.
class Operands {
 public:
  ConstView in(Shape s) {
    const Numbers x = gaussian(s.size(), 7, static_cast<std::uint32_t>(memory_.size()));
    std::vector<real>& data = memory_.emplace_back();
    for (const double e : x) data.push_back(static_cast<real>(e + 0.5));  // a mean, so that few sums cancel
    return {data.data(), s};
  }
  ConstView in_positive(Shape s) {
    const ConstView x = in(s);
    for (real& e : memory_.back()) e = std::abs(e) + real(0.1);
    return x;
  }
  View out(Shape s) {
    std::vector<real>& data = memory_.emplace_back(static_cast<std::size_t>(s.size()) + 2 * kGuard);
    std::memset(data.data(), 0xFF, data.size() * sizeof(real));
    outputs_.push_back({data.data() + kGuard, s});
    return outputs_.back();
  }
  View in_out(ConstView start) {
    const View v = out(start.shape);
    std::copy_n(start.data, start.shape.size(), v.data);
    return v;
  }
  std::int32_t* integers(std::vector<std::int32_t> values) { return integers_.emplace_back(std::move(values)).data(); }
  std::uint8_t* bytes(int count) {
    std::vector<std::uint8_t>& b = bytes_.emplace_back();
    for (int i = 0; i < count; ++i) b.push_back(static_cast<std::uint8_t>(i * 37 % 256));
    return b.data();
  }

  bool guards_hold() const {
    const std::vector<unsigned char> untouched(kGuard * sizeof(real), 0xFF);
    for (const View& v : outputs_)
      for (const real* guard : {v.data - kGuard, v.data + v.shape.size()})
        if (std::memcmp(guard, untouched.data(), untouched.size()) != 0) return false;
    return true;
  }
  std::vector<real> results() const {
    std::vector<real> all;
    for (const View& v : outputs_) all.insert(all.end(), v.data, v.data + v.shape.size());
    return all;
  }

 private:
  std::deque<std::vector<real>> memory_;
  std::deque<std::vector<std::int32_t>> integers_;
  std::deque<std::vector<std::uint8_t>> bytes_;
  std::vector<View> outputs_;
};

struct Case {
  std::string name;
  std::function<Kernel(Operands&)> build;
};

std::vector<real> result(Backend& backend, const Case& c) {
  Operands operands;
  backend.run(c.build(operands));
  CHECK(operands.guards_hold());
  return operands.results();
}

bool same_bits(const std::vector<real>& a, const std::vector<real>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(real)) == 0;
}

// Equal to the portable form with every instruction set, and bit for bit the same with any number of threads.
void check(const std::vector<Case>& cases) {
  std::vector<std::vector<real>> expected;
  {
    const auto portable = portable_backend();
    for (const Case& c : cases) expected.push_back(result(*portable, c));
  }
  for (const TestBackend& device : test_backends()) {
    const auto backend = device.make();
    for (std::size_t i = 0; i < cases.size(); ++i) {
      CAPTURE(device.name);
      CAPTURE(cases[i].name);
      const std::vector<real> r = result(*backend, cases[i]);
      CHECK(normalised_error({r.begin(), r.end()}, {expected[i].begin(), expected[i].end()}) <= kTolerance);
    }
  }
  std::vector<std::vector<real>> single;
  for (const int threads : {1, 2, 3, 7}) {
    const auto backend = make_cpu_backend({.threads = threads, .poison = true});
    for (std::size_t i = 0; i < cases.size(); ++i) {
      CAPTURE(threads);
      CAPTURE(cases[i].name);
      if (threads == 1)
        single.push_back(result(*backend, cases[i]));
      else
        CHECK(same_bits(result(*backend, cases[i]), single[i]));
    }
  }
}

// ---- convolution

// The three maps for one geometry.
void add_conv(std::vector<Case>& cases, int images, Conv g, int small_c, int big_c, int big_h, int big_w) {
  if (big_h + 2 * g.pad < g.kernel || big_w + 2 * g.pad < g.kernel) return;
  const Shape big{images, big_c, big_h, big_w}, small{images, small_c, g.down(big_h), g.down(big_w)};
  const Shape w{small_c, big_c, g.kernel, g.kernel};
  const std::string name =
      "big " + text(big) + " w " + text(w) + " stride " + std::to_string(g.stride) + " pad " + std::to_string(g.pad);
  cases.push_back({"ConvDown " + name, [=](Operands& o) {
                     return ConvDown{.small = o.out(small), .big = o.in(big), .w = o.in(w), .g = g};
                   }});
  cases.push_back({"ConvUp " + name,
                   [=](Operands& o) { return ConvUp{.big = o.out(big), .small = o.in(small), .w = o.in(w), .g = g}; }});
  cases.push_back({"ConvWeight " + name, [=](Operands& o) {
                     return ConvWeight{.dw = o.out(w), .big = o.in(big), .small = o.in(small), .g = g};
                   }});
}

TEST_CASE("the tuned convolutions equal the portable ones: kernels, strides and paddings") {
  std::vector<Case> cases;
  for (const int kernel : {1, 3, 4})
    for (const int stride : {1, 2, 3})
      for (const int pad : {0, 1, 2})
        for (const int side : {1, 2, 5, 8}) {
          add_conv(cases, 1, {kernel, stride, pad}, 17, 5, side, side);
          add_conv(cases, 5, {kernel, stride, pad}, 3, 16, side, side + 1);
          add_conv(cases, 4, {kernel, stride, pad}, 16, 1, side + 1, side);
        }
  check(cases);
}

TEST_CASE("the tuned convolutions equal the portable ones: channels and images") {
  std::vector<Case> cases;
  for (const int small_c : {1, 3, 5, 16, 17, 33, 64})
    for (const int big_c : {1, 3, 5, 16, 17, 33, 64})
      for (const int images : {1, 3})
        add_conv(cases, images, {.kernel = 4, .stride = 2, .pad = 1}, small_c, big_c, 4, 6);
  check(cases);
}

TEST_CASE("the tuned convolutions equal the portable ones: the networks' own layers") {
  std::vector<Case> cases;
  for (const int images : {1, 2, 6}) {
    const Conv halve{.kernel = 4, .stride = 2, .pad = 1}, same{.kernel = 4, .stride = 1, .pad = 1};
    add_conv(cases, images, halve, 16, 1, 32, 32);
    add_conv(cases, images, halve, 32, 16, 16, 16);
    add_conv(cases, images, halve, 64, 32, 8, 8);
    add_conv(cases, images, halve, 128, 64, 4, 4);
    add_conv(cases, images, same, 64, 64, 4, 4);
    add_conv(cases, images, same, 1, 64, 3, 3);
  }
  add_conv(cases, 70, {.kernel = 4, .stride = 2, .pad = 1}, 40, 24, 4, 4);
  add_conv(cases, 1, {.kernel = 4, .stride = 2, .pad = 1}, 2, 1, 17, 15);
  add_conv(cases, 1, {.kernel = 4, .stride = 2, .pad = 1}, 20, 600, 4, 4);
  check(cases);
}

// ---- matrix product

TEST_CASE("the tuned matrix product equals the portable one") {
  std::vector<Case> cases;
  for (const auto [m, n, k] : {std::array{1, 1, 1}, {1, 70, 33}, {70, 1, 300}, {5, 17, 64}, {33, 40, 7}, {64, 48, 520}})
    for (const bool transpose_a : {false, true})
      for (const bool transpose_b : {false, true}) {
        const Shape c{.n = m, .c = n}, a = transpose_a ? Shape{.n = k, .c = m} : Shape{.n = m, .c = k},
                                       b = transpose_b ? Shape{.n = n, .c = k} : Shape{.n = k, .c = n};
        cases.push_back(
            {"MatMul " + text(a) + (transpose_a ? "T " : " ") + text(b) + (transpose_b ? "T" : ""), [=](Operands& o) {
               return MatMul{
                   .c = o.out(c), .a = o.in(a), .b = o.in(b), .transpose_a = transpose_a, .transpose_b = transpose_b};
             }});
      }
  check(cases);
}

// ---- rows of channels

const std::vector<Shape> kMaps{{1, 1, 1, 1},  {1, 1, 1, 17},   {2, 3, 5, 7},   {40, 16, 8, 8}, {3, 17, 4, 4},
                               {1, 33, 1, 1}, {64, 128, 2, 2}, {7, 5, 31, 30}, {2, 600, 3, 2}, {5, 48, 16, 16}};

TEST_CASE("the tuned batch norm equals the portable one") {
  std::vector<Case> cases;
  for (const Shape s : kMaps)
    for (const int groups : {1, 2, 5}) {
      if (s.n % groups != 0) continue;
      const Shape c{.c = s.c}, statistics{.n = groups, .c = s.c};
      const auto named = [&](const char* name) {
        return name + (" " + text(s)) + ", " + std::to_string(groups) + " groups";
      };
      cases.push_back({named("BatchNormStats"), [=](Operands& o) {
                         return BatchNormStats{.mean = o.out(statistics), .var = o.out(statistics), .x = o.in(s)};
                       }});
      for (const bool tracked : {false, true})
        cases.push_back({named("BatchNorm"), [=](Operands& o) {
                           BatchNorm norm{.y = o.out(s),
                                          .x = o.in(s),
                                          .mean = o.in(statistics),
                                          .var = o.in_positive(statistics),
                                          .gamma = o.in(c),
                                          .beta = o.in(c),
                                          .running = {},
                                          .eps = real(1e-5),
                                          .slope = real(0.2)};
                           if (tracked) norm.running = {o.in_out(o.in(c)), o.in_out(o.in(c)), real(0.1), real(1.25)};
                           return norm;
                         }});
      cases.push_back({named("BatchNormGradSums"), [=](Operands& o) {
                         return BatchNormGradSums{.sum_dz = o.out(statistics),
                                                  .sum_dz_xhat = o.out(statistics),
                                                  .x = o.in(s),
                                                  .dy = o.in(s),
                                                  .mean = o.in(statistics),
                                                  .var = o.in_positive(statistics),
                                                  .gamma = o.in(c),
                                                  .beta = o.in(c),
                                                  .eps = real(1e-5),
                                                  .slope = real(0.2)};
                       }});
      for (const bool parameters : {false, true})
        for (const bool fixed : {false, true})
          cases.push_back({named(fixed ? "BatchNormGrad, fixed" : "BatchNormGrad"), [=](Operands& o) {
                             return BatchNormGrad{.dx = o.out(s),
                                                  .dgamma = parameters ? o.out(c) : View{},
                                                  .dbeta = parameters ? o.out(c) : View{},
                                                  .x = o.in(s),
                                                  .dy = o.in(s),
                                                  .mean = o.in(statistics),
                                                  .var = o.in_positive(statistics),
                                                  .gamma = o.in(c),
                                                  .beta = o.in(c),
                                                  .sum_dz = o.in(statistics),
                                                  .sum_dz_xhat = o.in(statistics),
                                                  .eps = real(1e-5),
                                                  .slope = real(0.2),
                                                  .fixed = fixed};
                           }});
    }
  check(cases);
}

TEST_CASE("batch statistics stay exact where the mean is large and the variance small") {
  const int pixels = 20000;
  const auto backend = make_cpu_backend({.threads = 2});
  std::vector<real> x, mean(2), var(2);
  for (int p = 0; p < pixels; ++p) {
    x.push_back(static_cast<real>(1000 + (p % 2 ? 0.125 : -0.125)));
    x.push_back(static_cast<real>(-3));
  }
  backend->run(BatchNormStats{
      .mean = {mean.data(), {.c = 2}}, .var = {var.data(), {.c = 2}}, .x = {x.data(), Shape{.c = 2, .w = pixels}}});
  CHECK(mean == std::vector<real>{1000, -3});
  CHECK(var == std::vector<real>{real(0.015625), 0});
}

TEST_CASE("the tuned reductions and broadcasts equal the portable ones") {
  std::vector<Case> cases;
  for (const Shape s : kMaps) {
    const Shape c{.c = s.c}, n{.n = s.n};
    const auto named = [&](const char* name) { return name + (" " + text(s)); };
    cases.push_back({named("Sum"), [=](Operands& o) { return Sum{.y = o.out({}), .x = o.in(s), .scale = real(0.3)}; }});
    cases.push_back({named("ImageMean"), [=](Operands& o) { return ImageMean{.y = o.out(n), .x = o.in(s)}; }});
    cases.push_back({named("ImageSpread"), [=](Operands& o) { return ImageSpread{.y = o.out(s), .x = o.in(n)}; }});
    cases.push_back({named("ChannelSum"), [=](Operands& o) { return ChannelSum{.y = o.out(c), .x = o.in(s)}; }});
    cases.push_back({named("ChannelSpread"), [=](Operands& o) { return ChannelSpread{.y = o.out(s), .x = o.in(c)}; }});
    cases.push_back(
        {named("AddBias"), [=](Operands& o) { return AddBias{.y = o.out(s), .x = o.in(s), .b = o.in(c)}; }});
    for (const int patch : {1, 2, 5})
      for (const int stride : {1, 2, 7}) {
        if (patch > s.h || patch > s.w) continue;
        const Shape map{s.n, 1, (s.h - patch) / stride + 1, (s.w - patch) / stride + 1};
        cases.push_back({named("PatchMean"), [=](Operands& o) {
                           return PatchMean{.y = o.out(map), .x = o.in(s), .patch = patch, .stride = stride};
                         }});
        cases.push_back({named("PatchMeanGrad"), [=](Operands& o) {
                           return PatchMeanGrad{.dx = o.out(s), .dy = o.in(map), .patch = patch, .stride = stride};
                         }});
      }
  }
  check(cases);
}

// ---- copies

TEST_CASE("the tuned copies equal the portable ones") {
  std::vector<Case> cases;
  for (const Shape s : kMaps) {
    Shape wide = s, other = s, long_ = s;
    other.c = 7;
    wide.c = s.c + other.c;
    long_.n = s.n + 3;
    const auto named = [&](const char* name) { return name + (" " + text(s)); };
    cases.push_back({named("ConcatChannels"),
                     [=](Operands& o) { return ConcatChannels{.y = o.out(wide), .a = o.in(s), .b = o.in(other)}; }});
    for (const int begin : {0, 4, 7}) {
      cases.push_back({named("SliceChannels"),
                       [=](Operands& o) { return SliceChannels{.y = o.out(s), .x = o.in(wide), .begin = begin}; }});
      cases.push_back({named("PadChannels"),
                       [=](Operands& o) { return PadChannels{.y = o.out(wide), .x = o.in(s), .begin = begin}; }});
    }
    for (const int begin : {0, 2, 3})
      cases.push_back({named("PadImages"),
                       [=](Operands& o) { return PadImages{.y = o.out(long_), .x = o.in(s), .begin = begin}; }});
  }
  check(cases);
}

TEST_CASE("a batch is gathered as the portable form does it, whatever the augmentation") {
  std::vector<Case> cases;
  for (const int side : {1, 7, 32})
    for (const bool flip : {false, true})
      for (const bool rotate : {false, true})
        for (const int move : {0, 3}) {
          const Augment augment{.flip_horizontal = flip,
                                .flip_vertical = flip && move > 0,
                                .rotate = rotate,
                                .shift = move,
                                .crop = rotate ? move / 2 : 0};
          cases.push_back({"GatherBatch side " + std::to_string(side), [=](Operands& o) {
                             return GatherBatch{.x = o.out({9, 1, side, side}),
                                                .images = {o.bytes(6 * side * side), 6, side},
                                                .order = o.integers({5, 0, 3, 3, 1, 2, 4, 0, 5, 1, 2, 3,
                                                                     4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3}),
                                                .step = {o.integers({5})},
                                                .steps = 2,
                                                .stride = 12,
                                                .first = 2,
                                                .augment = augment,
                                                .seed = 11};
                           }});
        }
  check(cases);
}

// ---- element by element

TEST_CASE("the tuned activations and the loops equal the portable forms") {
  std::vector<Case> cases;
  for (const int size : {1, 15, 1000, 40000}) {
    const Shape s{.c = size};
    const std::string n = " " + std::to_string(size);
    cases.push_back({"Tanh" + n, [=](Operands& o) { return Tanh{.y = o.out(s), .x = o.in(s), .range = real(4)}; }});
    cases.push_back({"Sigmoid" + n, [=](Operands& o) { return Sigmoid{.y = o.out(s), .x = o.in(s)}; }});
    cases.push_back({"Add" + n, [=](Operands& o) { return Add{.y = o.out(s), .a = o.in(s), .b = o.in(s)}; }});
    cases.push_back({"AbsDiffGrad" + n, [=](Operands& o) {
                       return AbsDiffGrad{.da = o.out(s), .a = o.in(s), .b = o.in(s), .dy = o.in(s)};
                     }});
    cases.push_back({"LeakyReluGrad" + n, [=](Operands& o) {
                       return LeakyReluGrad{.dx = o.out(s), .x = o.in(s), .dy = o.in(s), .slope = real(0.2)};
                     }});
  }
  check(cases);
}

TEST_CASE("tanh and sigmoid are right at the ends of the range") {
  constexpr real kInfinity = std::numeric_limits<real>::infinity();
  const std::vector<real> x{0, real(-0.0), real(1e-20), real(-1e-4), 30, -30, 200, -200, kInfinity, -kInfinity};
  const auto backend = make_cpu_backend({.threads = 1});
  std::vector<real> t(x.size()), s(x.size());
  const Shape shape{.c = static_cast<int>(x.size())};
  backend->run(Tanh{.y = {t.data(), shape}, .x = {x.data(), shape}, .range = 2});
  backend->run(Sigmoid{.y = {s.data(), shape}, .x = {x.data(), shape}});
  for (std::size_t i = 0; i < x.size(); ++i) {
    CAPTURE(x[i]);
    CHECK(t[i] == doctest::Approx(2 * std::tanh(x[i] / 2)).epsilon(1e-6));
    CHECK(s[i] == doctest::Approx(1 / (1 + std::exp(-double(x[i])))).epsilon(1e-6));
  }
}

TEST_CASE("the tuned optimiser equals the portable one, whatever the lengths of the gradients") {
  std::vector<Case> cases;
  for (const std::vector<int>& lengths : {std::vector{1}, {5, 16, 1, 33}, {40000, 3, 20000}})
    for (const bool averaged : {false, true}) {
      int total = 0;
      for (const int l : lengths) total += l;
      const Shape s{.c = total}, all{.c = averaged ? total + 37 : total};
      cases.push_back({"Adam " + std::to_string(total), [=](Operands& o) {
                         Adam adam{.w = o.in_out(o.in(all)),
                                   .average = averaged ? o.in_out(o.in(all)) : View{},
                                   .m = o.in_out(o.in(s)),
                                   .v = o.in_out(o.in_positive(s)),
                                   .g = {},
                                   .step = {o.integers({7})},
                                   .updates = {o.integers({3})},
                                   .schedule = {.base = 1e-2, .warmup = 3, .total = 20, .cosine = true},
                                   .beta1 = 0.5,
                                   .beta2 = 0.999,
                                   .eps = 1e-8,
                                   .weight_decay = averaged ? 0.01 : 0,
                                   .decay = 0.99};
                         for (const int l : lengths) {
                           adam.g.data[adam.g.count] = o.in({.c = l}).data;
                           adam.g.begin[adam.g.count + 1] = adam.g.begin[adam.g.count] + l;
                           ++adam.g.count;
                         }
                         return adam;
                       }});
    }
  check(cases);
}

// ---- the arena

TEST_CASE("memory is a stack, aligned to 64 bytes, and poisoned on request") {
  const auto backend = make_cpu_backend({.threads = 1, .arena_bytes = 1 << 20, .poison = true});
  const auto* a = static_cast<const unsigned char*>(backend->alloc(3));
  const std::size_t mark = backend->mark();
  auto* b = static_cast<unsigned char*>(backend->alloc(100));
  CHECK(reinterpret_cast<std::uintptr_t>(a) % 64 == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(b) % 64 == 0);
  CHECK(b >= a + 3);
  CHECK(std::all_of(b, b + 100, [](unsigned char c) { return c == 0xFF; }));
  std::memset(b, 1, 100);
  backend->rewind(mark);
  CHECK(backend->mark() == mark);
  CHECK(backend->alloc(100) == b);
  CHECK(std::all_of(b, b + 100, [](unsigned char c) { return c == 0xFF; }));
  CHECK(backend->peak() == backend->mark());
}

TEST_CASE("running out of memory says what was needed, what is in use and what to do") {
  const auto backend = make_cpu_backend({.threads = 1, .arena_bytes = 1 << 20});
  backend->alloc(1 << 19);
  const std::size_t mark = backend->mark();
  for (const std::size_t bytes : {(std::size_t{1} << 19) + 1, std::size_t{1} << 40, ~std::size_t{0}}) {
    try {
      backend->alloc(bytes);
      FAIL("no error");
    } catch (const Error& e) {
      CHECK(e.code() == Exit::device);
      const std::string what = e.what();
      CHECK(what.find("0.5 MiB of 1.0 MiB in use") != std::string::npos);
      CHECK(what.find("--batch-size") != std::string::npos);
    }
    CHECK(backend->mark() == mark);
  }
  CHECK_NOTHROW(backend->alloc(1 << 19));
  try {
    make_cpu_backend({.threads = 1, .arena_bytes = std::size_t{1} << 60});
    FAIL("no error");
  } catch (const Error& e) {
    CHECK(e.code() == Exit::device);
    CHECK(std::string(e.what()).find("cannot reserve") != std::string::npos);
  }
}

TEST_CASE("a recording runs its step again") {
  const auto backend = make_cpu_backend({.threads = 2, .arena_bytes = 1 << 20});
  const Counter counter = put_counter(*backend, 3);
  const auto step = backend->record([&] { backend->run(Advance{.counter = counter}); });
  step->run();
  step->run();
  std::int32_t value = 0;
  backend->download(&value, counter.data, sizeof value);
  CHECK(value == 5);
}

}  // namespace
}  // namespace snag
