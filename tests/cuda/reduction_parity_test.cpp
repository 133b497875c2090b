#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cmath>
#include <deque>
#include <functional>
#include <string>

#include "tests/cuda/cuda_device.h"
#include "tests/shared_kernel_cases.h"
#include "tests/support.h"

// Each tuned reduction, map and update alone, against the portable form on the CPU.
namespace snag {
namespace {

// The operands of one kernel on a device; the outputs are NaN first.
class Operands {
 public:
  explicit Operands(Backend& backend) : backend_(backend) {}
  ~Operands() { backend_.rewind(0); }

  // A mean, so that few sums cancel; no two kernels' operands repeat.
  Numbers draw(int count) {
    Numbers x = gaussian(count, 7, row_++);
    for (double& e : x) e += 0.5;
    return x;
  }
  ConstView in(Shape s) { return put(backend_, s, draw(s.size())); }
  ConstView in_positive(Shape s) {
    Numbers x = draw(s.size());
    for (double& e : x) e = std::abs(e) + 0.1;
    return put(backend_, s, x);
  }
  ConstView in_rounded(Shape s) {
    Numbers x = draw(s.size());
    for (double& e : x) e = std::round(e);
    return put(backend_, s, x);
  }
  ConstView in(Shape s, const Numbers& x) { return put(backend_, s, x); }
  View out(Shape s) { return keep(put(backend_, s, Numbers(static_cast<std::size_t>(s.size()), std::nan("")))); }
  View in_out(ConstView start) { return keep(put(backend_, start.shape, get(backend_, start))); }
  // `x`, one float past an aligned address
  ConstView askew(Shape s) {
    Numbers x = draw(s.size() + 1);
    return {put(backend_, {.c = s.size() + 1}, x).data + 1, s};
  }
  Counter counter(std::int32_t value) { return put_counter(backend_, value); }
  template <class T>
  T* array(const std::vector<T>& values) {
    auto* data = static_cast<T*>(backend_.alloc(values.size() * sizeof(T)));
    backend_.upload(data, values.data(), values.size() * sizeof(T));
    return data;
  }
  std::vector<Numbers> results() const {
    std::vector<Numbers> all;
    for (const View& v : outputs_) all.push_back(get(backend_, v));
    return all;
  }

 private:
  View keep(View v) { return outputs_.emplace_back(v); }

  Backend& backend_;
  std::uint32_t row_ = 0;
  std::deque<View> outputs_;
};

using Build = std::function<Kernel(Operands&)>;

std::vector<Numbers> results(Backend& backend, const Build& build) {
  Operands operands(backend);
  backend.run(build(operands));
  return operands.results();
}

std::vector<std::uint64_t> bits(const std::vector<Numbers>& x) {
  std::vector<std::uint64_t> all;
  for (const Numbers& output : x)
    for (const double e : output) all.push_back(std::bit_cast<std::uint64_t>(e));
  return all;
}

struct Case {
  std::string what;
  Build build;
};
using Cases = std::vector<Case>;

// Each output equals the portable one; twice, as the first launch leaves tickets to the second; and every order of
// threads and every content of shared memory gives the same bits.
void check(const Cases& cases) {
  const auto reference = portable_backend();
  std::vector<std::vector<Numbers>> expected;
  for (const Case& c : cases) expected.push_back(results(*reference, c.build));
  std::vector<std::vector<std::uint64_t>> first(cases.size());
  each_schedule([&] {
    const auto backend = cuda({.arena_bytes = std::size_t{16} << 20, .precision = Precision::fp32});
    for (int launch = 0; launch < 2; ++launch)
      for (std::size_t i = 0; i < cases.size(); ++i) {
        CAPTURE(cases[i].what);
        const std::vector<Numbers> x = results(*backend, cases[i].build);
        REQUIRE(x.size() == expected[i].size());
        for (std::size_t k = 0; k < x.size(); ++k) {
          CAPTURE(k);
          CHECK(normalised_error(x[k], expected[i][k]) <= 1e-10);
        }
        if (first[i].empty()) first[i] = bits(x);
        CHECK(bits(x) == first[i]);
      }
  });
}

// One pixel; fewer than a block; many shares that do not divide them.
std::vector<Shape> maps() {
  std::vector<Shape> all;
  for (const int c : {1, 3, 4, 17, 33, 64, 130})
    for (const auto& [n, h, w] : {std::array{1, 1, 1}, {1, 5, 3}, {3, 7, 5}, {2, 31, 37}}) all.push_back({n, c, h, w});
  all.push_back({1, 1, 300, 301});
  return all;
}

TEST_CASE("batch normalisation in shares equals the portable form") {
  Cases cases;
  for (const Shape s : maps())
    for (const int groups : {1, 3})
      if (s.n % groups == 0) add_batch_norm_cases(cases, s, groups);
  check(cases);
}

TEST_CASE("maps of tensors that are not aligned") {
  Cases cases;
  const Shape s{2, 8, 3, 3}, c{.c = 8};
  cases.push_back({"BatchNorm", [=](Operands& o) {
                     return BatchNorm{.y = o.out(s),
                                      .x = o.askew(s),
                                      .mean = o.in(c),
                                      .var = o.in_positive(c),
                                      .gamma = o.in(c),
                                      .beta = o.in(c),
                                      .running = {},
                                      .eps = real(1e-5),
                                      .slope = real(0.2)};
                   }});
  check(cases);
}

TEST_CASE("batch statistics stay exact where the mean is large and the variance small") {
  Cases cases;
  for (const int channels : {2, 40}) {
    const int pixels = 20000 / channels;
    const Shape s{.c = channels, .w = pixels}, c{.c = channels};
    Numbers x;
    for (int p = 0; p < pixels; ++p)
      for (int k = 0; k < channels; ++k) x.push_back(k % 2 ? -3 : 1000 + (p % 2 ? 0.125 : -0.125));
    const auto backend = cuda({});
    const auto r = results(
        *backend, [&](Operands& o) { return BatchNormStats{.mean = o.out(c), .var = o.out(c), .x = o.in(s, x)}; });
    for (std::size_t k = 0; k < static_cast<std::size_t>(channels); ++k) {
      CHECK(r[0][k] == (k % 2 ? -3 : 1000));
      CHECK(r[1][k] == (k % 2 ? 0 : 0.015625));
    }
    // no symmetry that could help: 1000 + small normal numbers
    cases.push_back({"far from 0", [=](Operands& o) {
                       Numbers far = gaussian(s.size(), 3);
                       for (double& e : far) e = static_cast<float>(1000 + e / 8);
                       return BatchNormStats{.mean = o.out(c), .var = o.out(c), .x = o.in(s, far)};
                     }});
  }
  check(cases);
}

TEST_CASE("sums in shares equal the portable form") {
  Cases cases;
  for (const Shape s : maps()) {
    cases.push_back(
        {"Sum " + text(s), [=](Operands& o) { return Sum{.y = o.out({}), .x = o.in(s), .scale = real(0.3)}; }});
    cases.push_back(
        {"ImageMean " + text(s), [=](Operands& o) { return ImageMean{.y = o.out({.n = s.n}), .x = o.in(s)}; }});
    cases.push_back(
        {"ChannelSum " + text(s), [=](Operands& o) { return ChannelSum{.y = o.out({.c = s.c}), .x = o.in(s)}; }});
  }
  const Shape many{.n = 300, .w = 7};
  cases.push_back(
      {"ImageMean of many", [=](Operands& o) { return ImageMean{.y = o.out({.n = many.n}), .x = o.in(many)}; }});
  check(cases);
}

TEST_CASE("four elements at once equal the portable form") {
  Cases cases;
  const auto add = [&](const char* name, auto build) { cases.push_back({name, build}); };
  for (const Shape s : {Shape{1, 1, 1, 1 << 16}, {1, 1, 1, (1 << 16) + 2051}, {3, 40, 27, 29}}) {
    add("Fill", [=](Operands& o) { return Fill{.y = o.out(s), .value = 3}; });
    add("Add", [=](Operands& o) { return Add{.y = o.out(s), .a = o.in(s), .b = o.in(s)}; });
    add("Add, askew", [=](Operands& o) { return Add{.y = o.out(s), .a = o.in(s), .b = o.askew(s)}; });
    add("AbsDiffGrad", [=](Operands& o) {
      return AbsDiffGrad{.da = o.out(s), .a = o.in_rounded(s), .b = o.in_rounded(s), .dy = o.in(s)};
    });
    add("TanhGrad", [=](Operands& o) { return TanhGrad{.dx = o.out(s), .y = o.in(s), .dy = o.in(s), .range = 4}; });
  }
  for (const auto& [a, b] : {std::array{64, 36}, {16, 3}}) {
    const int h = (1 << 16) / (3 * 5 * std::min(a, b)) + 1;
    const Shape left{3, a, h, 5}, right{3, b, h, 5}, both{3, a + b, h, 5};
    add("ConcatChannels",
        [=](Operands& o) { return ConcatChannels{.y = o.out(both), .a = o.in(left), .b = o.in(right)}; });
    for (const int begin : {0, 1, a}) {
      if (begin > b) continue;
      add("SliceChannels",
          [=](Operands& o) { return SliceChannels{.y = o.out(left), .x = o.in(both), .begin = begin}; });
      add("PadChannels", [=](Operands& o) { return PadChannels{.y = o.out(both), .x = o.in(left), .begin = begin}; });
    }
    add("ConcatImages", [=](Operands& o) {
      return ConcatImages{.y = o.out({6, b, h, 5}), .a = o.in(right), .b = o.in(right)};
    });
  }
  check(cases);
}

TEST_CASE("means of patches equal the portable form") {
  Cases cases;
  for (const auto& [c, h, w, patch, stride] :
       {std::array{1, 1, 1, 1, 1}, {1, 32, 32, 16, 8}, {3, 17, 23, 5, 3}, {2, 9, 8, 8, 1}}) {
    const Shape x{3, c, h, w}, y{3, 1, (h - patch) / stride + 1, (w - patch) / stride + 1};
    cases.push_back({"PatchMean " + text(x), [=](Operands& o) {
                       return PatchMean{.y = o.out(y), .x = o.in(x), .patch = patch, .stride = stride};
                     }});
  }
  check(cases);
}

TEST_CASE("layers next to a one-channel image equal the portable form") {
  Cases cases;
  for (const auto& [n, c, h, w] :
       {std::array{1, 4, 2, 2}, {3, 20, 9, 7}, {2, 64, 32, 32}, {40, 132, 17, 14}, {20, 20, 31, 57}}) {
    const Conv g;
    const Shape big{n, 1, h, w}, small{n, c, g.down(h), g.down(w)}, weights{c, 1, 4, 4};
    cases.push_back({"ConvDown " + text(small), [=](Operands& o) {
                       return ConvDown{.small = o.out(small), .big = o.in(big), .w = o.in(weights), .g = g};
                     }});
    cases.push_back({"ConvDown, weights askew " + text(small), [=](Operands& o) {
                       return ConvDown{.small = o.out(small), .big = o.in(big), .w = o.askew(weights), .g = g};
                     }});
    cases.push_back({"ConvUp " + text(small), [=](Operands& o) {
                       return ConvUp{.big = o.out(big), .small = o.in(small), .w = o.in(weights), .g = g};
                     }});
    cases.push_back({"ConvWeight " + text(small), [=](Operands& o) {
                       return ConvWeight{.dw = o.out(weights), .big = o.in(big), .small = o.in(small), .g = g};
                     }});
  }
  check(cases);
}

TEST_CASE("a layer that leaves one channel equals the portable form") {
  Cases cases;
  // As a critic's last layer, of few and many images; a map of one pixel; more pixels than a block's rows.
  for (const auto& [n, c, h, w] :
       {std::array{4, 256, 4, 4}, {150, 68, 4, 4}, {3, 4, 2, 2}, {2, 36, 9, 8}, {1, 520, 4, 5}})
    for (const int pad : {0, 1, 3}) {
      const Conv g{.kernel = 4, .stride = 1, .pad = pad};
      const Shape big{n, c, h, w}, small{n, 1, g.down(h), g.down(w)}, weights{1, c, 4, 4};
      if (small.h < 1) continue;
      cases.push_back({"ConvDown " + text(big), [=](Operands& o) {
                         return ConvDown{.small = o.out(small), .big = o.in(big), .w = o.in(weights), .g = g};
                       }});
      cases.push_back({"ConvUp " + text(big), [=](Operands& o) {
                         return ConvUp{.big = o.out(big), .small = o.in(small), .w = o.in(weights), .g = g};
                       }});
      cases.push_back({"ConvWeight " + text(big), [=](Operands& o) {
                         return ConvWeight{.dw = o.out(weights), .big = o.in(big), .small = o.in(small), .g = g};
                       }});
    }
  const Conv g{.kernel = 4, .stride = 1, .pad = 1};
  const Shape big{2, 8, 5, 5}, small{2, 1, 4, 4}, weights{1, 8, 4, 4};
  cases.push_back({"ConvDown, weights askew", [=](Operands& o) {
                     return ConvDown{.small = o.out(small), .big = o.in(big), .w = o.askew(weights), .g = g};
                   }});
  check(cases);
}

TEST_CASE("the largest elements equal the portable form's, ties and all") {
  Cases cases;
  add_largest_cases(cases);
  check(cases);
}

TEST_CASE("weights updated four at a time equal the portable form's") {
  Cases cases;
  for (const std::vector<int>& lengths : {std::vector<int>{1},
                                          {4},
                                          {8, 4, 16},
                                          {3, 1, 1, 2, 9, 1030, 5},
                                          {2048, 2048},
                                          {100000, 7},
                                          std::vector<int>(64, 5)})
    add_adam_cases(cases, lengths);
  check(cases);
}

TEST_CASE("gathered images equal the portable form's") {
  Cases cases;
  for (const int side : {1, 9, 32, 70})
    for (const bool all : {false, true})
      for (const int channels : {1, 3})
        cases.push_back(
            {"GatherBatch side " + std::to_string(side), [=](Operands& o) {
               std::vector<std::uint8_t> images;
               for (int i = 0; i < 6 * side * side * channels; ++i)
                 images.push_back(static_cast<std::uint8_t>(i * 37 % 256));
               const std::vector<std::int32_t> order{5, 0, 3, 3, 1, 2, 4, 0, 5, 1, 2, 3,
                                                     4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3};
               Augment augment;
               if (all)
                 augment = {
                     .flip_horizontal = true, .flip_vertical = true, .rotate = true, .shift = 2, .crop = side / 4};
               return GatherBatch{.x = o.out({9, channels, side, side}),
                                  .images = {o.array(images), 6, side, channels},
                                  .order = o.array(order),
                                  .step = o.counter(5),
                                  .steps = 2,
                                  .stride = 12,
                                  .first = 2,
                                  .augment = augment,
                                  .seed = 11};
             }});
  check(cases);
}

}  // namespace
}  // namespace snag
