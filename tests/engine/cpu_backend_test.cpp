#include <cmath>
#include <limits>

#include "tests/engine/cpu_backend.h"
#include "tests/shared_kernel_cases.h"

namespace snag {
namespace {

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
    for (const int groups : {1, 2, 5})
      if (s.n % groups == 0) add_batch_norm_cases(cases, s, groups);
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

TEST_CASE("the largest elements equal the portable form's, ties and all") {
  std::vector<Case> cases;
  add_largest_cases(cases);
  check(cases);
}

// ---- copies

TEST_CASE("the tuned copies equal the portable ones") {
  std::vector<Case> cases;
  for (const Shape s : kMaps) {
    Shape wide = s, other = s;
    other.c = 7;
    wide.c = s.c + other.c;
    const auto named = [&](const char* name) { return name + (" " + text(s)); };
    cases.push_back({named("ConcatChannels"),
                     [=](Operands& o) { return ConcatChannels{.y = o.out(wide), .a = o.in(s), .b = o.in(other)}; }});
    for (const int begin : {0, 4, 7}) {
      cases.push_back({named("SliceChannels"),
                       [=](Operands& o) { return SliceChannels{.y = o.out(s), .x = o.in(wide), .begin = begin}; }});
      cases.push_back({named("PadChannels"),
                       [=](Operands& o) { return PadChannels{.y = o.out(wide), .x = o.in(s), .begin = begin}; }});
    }
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
          for (const int channels : {1, 3})
            cases.push_back({"GatherBatch side " + std::to_string(side), [=](Operands& o) {
                               return GatherBatch{.x = o.out({9, channels, side, side}),
                                                  .images = {o.bytes(6 * side * side * channels), 6, side, channels},
                                                  .order = o.integers({5, 0, 3, 3, 1, 2, 4, 0, 5, 1, 2, 3,
                                                                       4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3}),
                                                  .step = o.counter(5),
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
    add_adam_cases(cases, lengths);
  check(cases);
}

}  // namespace
}  // namespace snag
