#include "tests/op_cases.h"

#include <iterator>
#include <numeric>

#include "base/random.h"
#include "base/shuffle.h"

namespace snag {
namespace {

using In = std::span<const Tensor>;
using Cases = std::vector<OpCase>;
using enum Drawn;
using enum Proof;

constexpr Shape kSmall{2, 3, 3, 2}, kLarge{5, 37, 23, 19};

Input fixed(Shape s, Drawn drawn = normal) { return {s, drawn, true}; }

Cases elementwise_cases() {
  Cases cases;
  const auto each = [&](const char* op, const char* what, std::vector<Drawn> drawn, auto run, Proof proof = twice) {
    for (const Shape s : {kSmall, Shape{1, 1, 1, 5}, kLarge}) {
      std::vector<Input> inputs;
      for (const Drawn d : drawn) inputs.push_back({s, d});
      cases.push_back({op, what, inputs, run, s == kLarge ? parity : proof});
    }
  };
  each("add", "two tensors", {normal, normal}, [](In x) { return add(x[0], x[1]); });
  each("add", "a tensor and itself", {normal}, [](In x) { return add(x[0], x[0]); });
  each("mul", "two tensors", {normal, normal}, [](In x) { return mul(x[0], x[1]); });
  each("mul", "a square", {normal}, [](In x) { return mul(x[0], x[0]); });
  each("affine", "-1.5 x + 0.5", {normal}, [](In x) { return affine(x[0], -1.5, 0.5); });
  each(
      "abs_diff", "a != b", {spaced, spaced}, [](In x) { return abs_diff(x[0], x[1]); }, once);
  each("leaky_relu", "slope 0.2", {spaced}, [](In x) { return leaky_relu(x[0], 0.2); });
  each("leaky_relu", "ReLU", {spaced}, [](In x) { return leaky_relu(x[0], 0); });
  each(
      "tanh", "range 1", {normal}, [](In x) { return tanh(x[0]); }, once);
  each(
      "tanh", "range 2.5", {normal}, [](In x) { return tanh(x[0], 2.5); }, once);
  each("power", "x^-0.5", {positive}, [](In x) { return power(x[0], -0.5); });
  each(
      "sigmoid", "", {normal}, [](In x) { return sigmoid(x[0]); }, once);
  each(
      "clamp", "to [-0.3, 0.5]", {spaced}, [](In x) { return clamp(x[0], -0.3, 0.5); }, once);
  each(
      "abc", "", {positive}, [](In x) { return abc(x[0]); }, once);
  for (const Shape s : {kSmall, kLarge}) {
    const Proof proof = s == kLarge ? parity : twice;
    cases.push_back({"leaky_relu_grad",
                     "slope 0.2",
                     {fixed(s, spaced), {s}},
                     [](In x) { return leaky_relu_grad(x[0], x[1], 0.2); },
                     proof});
    cases.push_back({"bce_with_logits",
                     "",
                     {{s}, fixed(s, probability)},
                     [](In x) { return bce_with_logits(x[0], x[1]); },
                     proof == twice ? once : parity});
    for (const double p : {0.0, 0.5})
      cases.push_back({"dropout",
                       "p " + std::to_string(p),
                       {{s}},
                       [p](In x) { return dropout(x[0], p, put_counter(x[0].tape->backend(), 7), 1, 2); },
                       proof});
  }
  return cases;
}

Cases reduction_cases() {
  Cases cases = {
      {"broadcast", "scaled", {{{}}}, [](In x) { return broadcast(x[0], kSmall, 0.5); }},
      {"broadcast", "large", {{{}}}, [](In x) { return broadcast(x[0], kLarge); }, parity},
      {"image_spread", "", {{{.n = 2}}}, [](In x) { return image_spread(x[0], kSmall); }},
      {"image_spread", "large", {{{.n = kLarge.n}}}, [](In x) { return image_spread(x[0], kLarge); }, parity},
      {"channel_spread", "", {{{.c = 3}}}, [](In x) { return channel_spread(x[0], kSmall); }},
      {"channel_spread", "large", {{{.c = kLarge.c}}}, [](In x) { return channel_spread(x[0], kLarge); }, parity},
  };
  for (const Shape s : {kSmall, Shape{1, 5, 1, 2}, Shape{4, 1, 2, 3}, Shape{}, kLarge, Shape{1, 3, 113, 101}}) {
    const Proof proof = s.size() > 100 ? parity : twice;
    cases.push_back({"sum", "scale 0.5", {{s}}, [](In x) { return sum(x[0], 0.5); }, proof});
    cases.push_back({"mean", "", {{s}}, [](In x) { return mean(x[0]); }, proof});
    cases.push_back({"image_mean", "", {{s}}, [](In x) { return image_mean(x[0]); }, proof});
    cases.push_back({"channel_sum", "", {{s}}, [](In x) { return channel_sum(x[0]); }, proof});
    cases.push_back({"add_bias", "", {{s}, {{.c = s.c}}}, [](In x) { return add_bias(x[0], x[1]); }, proof});
  }
  for (const Shape s : {kSmall, Shape{1, 5, 1, 2}, Shape{}, Shape{3, 2, 17, 11}})
    for (const int count : {1, s.image() / 2 + 1, s.image()})
      cases.push_back({"top_mean",
                       text(s) + ", count " + std::to_string(count),
                       {{s, spaced}},
                       [count](In x) { return top_mean(x[0], count); },
                       s.size() > 100 ? parity : once});
  const auto patches = [&](Shape s, int patch, int stride, Proof proof = twice) {
    cases.push_back({"patch_mean",
                     std::to_string(patch) + "x" + std::to_string(patch) + ", stride " + std::to_string(stride),
                     {{s}},
                     [=](In x) { return patch_mean(x[0], patch, stride); },
                     proof});
  };
  patches({2, 2, 5, 6}, 3, 1);  // overlapping
  patches({1, 1, 4, 6}, 2, 2);  // tiling
  patches({2, 1, 6, 7}, 2, 3);  // with gaps and a remainder
  patches({2, 2, 3, 3}, 3, 1);  // the whole image
  patches({2, 1, 3, 4}, 1, 1);
  patches({3, 1, 32, 32}, 7, 2, parity);
  patches({2, 3, 28, 31}, 8, 8, parity);
  return cases;
}

Cases loss_cases() {
  Cases cases = {{"weighted_sum", "three terms, one of them twice", {{{}}, {{}}}, [](In x) {
                    return weighted_sum({{x[0], 0.5}, {x[1], -2}, {x[0], 3}});
                  }}};
  cases.push_back(cases.back());
  cases.back().proof = parity;
  for (const Shape s : {Shape{6, 2, 3, 2}, Shape{6, 1, 1, 1}, Shape{18, 37, 23, 9}})
    for (const std::vector<double>& targets : {std::vector<double>{0.25}, {1, 0}, {1, 0, -0.5}})
      cases.push_back({"least_squares_with_logits",
                       text(s) + ", " + std::to_string(targets.size()) + " targets",
                       {{s}},
                       [targets](In x) { return least_squares_with_logits(x[0], targets); },
                       s.size() > 100 ? parity : once});
  return cases;
}

Cases moving_cases() {
  Cases cases;
  for (const auto& [s, proof] : {std::pair{kSmall, twice}, {Shape{1, 2, 1, 3}, twice}, {kLarge, parity}}) {
    const int n = s.n, c = s.c;
    cases.push_back({"reshape", "", {{s}}, [s](In x) { return reshape(x[0], {s.h, s.n, s.w, s.c}); }, proof});
    cases.push_back(
        {"slice_channels", "the last", {{s}}, [c](In x) { return slice_channels(x[0], c / 2, c - c / 2); }, proof});
    cases.push_back({"slice_channels", "the first", {{s}}, [](In x) { return slice_channels(x[0], 0, 1); }, proof});
    cases.push_back({"pad_channels", "before", {{s}}, [c](In x) { return pad_channels(x[0], 2, c + 2); }, proof});
    cases.push_back({"pad_channels", "around", {{s}}, [c](In x) { return pad_channels(x[0], 1, c + 3); }, proof});
    cases.push_back(
        {"slice_images", "the last", {{s}}, [n](In x) { return slice_images(x[0], n / 2, n - n / 2); }, proof});
    cases.push_back({"slice_images", "the first", {{s}}, [](In x) { return slice_images(x[0], 0, 1); }, proof});
    const Shape longer{n + 3, s.c, s.h, s.w};
    cases.push_back({"add_all", "a part", {{s}}, [=](In x) { return add_all({{x[0], s.image()}}, longer); }, proof});
    cases.push_back({"add_all",
                     "parts and the whole, more than a kernel takes",
                     {{s}, {longer}, {{1, s.c, s.h, s.w}}},
                     [=](In x) {
                       std::vector<Addend> all{{x[1], 0}};
                       for (int k = 0; k < 6; ++k) all.insert(all.end(), {{x[0], k}, {x[2], k * s.image() / 2}});
                       return add_all(all, longer);
                     },
                     proof});
    cases.push_back({"concat_images",
                     std::to_string(n) + " and 3",
                     {{s}, {{3, s.c, s.h, s.w}}},
                     [](In x) { return concat_images(x[0], x[1]); },
                     proof});
    for (const int other : {1, 5})
      cases.push_back({"concat_channels",
                       std::to_string(c) + " and " + std::to_string(other),
                       {{s}, {{s.n, other, s.h, s.w}}},
                       [](In x) { return concat_channels(x[0], x[1]); },
                       proof});
  }
  for (const auto& [s, proof] :
       {std::pair{Shape{2, 3, 4, 4}, twice}, {Shape{1, 1, 1, 1}, twice}, {Shape{3, 1, 32, 32}, parity}})
    for (int turns = 0; turns < 4; ++turns)
      cases.push_back({"quarter_turn",
                       std::to_string(turns) + " of " + text(s),
                       {{s}},
                       [turns](In x) { return quarter_turn(x[0], turns); },
                       proof});
  return cases;
}

struct Geometry {
  Shape big;
  int small_channels;
  Conv g;
};
constexpr Conv kHalf{4, 2, 1}, kPatch{4, 1, 1}, kWhole{4, 1, 0}, kSame{3, 1, 1}, kPoint{1, 1, 0};

// 7x5 is larger than the least map of its transpose; of a 3x4 map under 1x1 s2 some pixels are never read.
constexpr Geometry kSmallGeometries[] = {
    {{2, 2, 6, 4}, 3, kHalf},  {{1, 1, 4, 4}, 1, kHalf},     {{2, 2, 7, 5}, 2, kHalf},     {{2, 3, 2, 2}, 2, kHalf},
    {{1, 2, 5, 4}, 2, kPatch}, {{2, 2, 4, 4}, 3, kWhole},    {{2, 2, 4, 3}, 3, kSame},     {{2, 1, 1, 1}, 2, kSame},
    {{2, 3, 3, 2}, 2, kPoint}, {{1, 2, 3, 4}, 2, {1, 2, 0}}, {{1, 2, 5, 5}, 2, {3, 2, 1}}, {{1, 1, 8, 7}, 2, {5, 3, 2}},
};
// The network's own layers, narrower, and sizes that no block divides.
constexpr Geometry kLargeGeometries[] = {
    {{3, 1, 32, 32}, 64, kHalf}, {{2, 64, 16, 16}, 32, kHalf}, {{1, 64, 8, 8}, 96, kHalf}, {{5, 32, 4, 4}, 64, kHalf},
    {{9, 64, 2, 2}, 32, kHalf},  {{3, 33, 9, 7}, 17, kHalf},   {{1, 130, 8, 8}, 3, kHalf}, {{2, 96, 5, 4}, 1, kPatch},
    {{4, 128, 4, 4}, 1, kWhole}, {{2, 19, 7, 5}, 35, kSame},   {{2, 32, 8, 8}, 64, kSame}, {{3, 33, 5, 7}, 65, kPoint},
};

void add_convolutions(Cases& cases, const Geometry& at, Proof proof) {
  const Conv g = at.g;
  const Shape big = at.big, small{big.n, at.small_channels, g.down(big.h), g.down(big.w)},
              weight{small.c, big.c, g.kernel, g.kernel};
  const std::string what = std::to_string(g.kernel) + "x" + std::to_string(g.kernel) + " s" + std::to_string(g.stride) +
                           " p" + std::to_string(g.pad) + ", " + text(big) + " and " + text(small);
  cases.push_back({"conv_down", what, {{big}, {weight}}, [g](In x) { return conv_down(x[0], x[1], g); }, proof});
  cases.push_back(
      {"conv_up", what, {{small}, {weight}}, [=](In x) { return conv_up(x[0], x[1], g, big.h, big.w); }, proof});
  cases.push_back({"conv_weight", what, {{big}, {small}}, [g](In x) { return conv_weight(x[0], x[1], g); }, proof});
}

Cases conv_cases() {
  Cases cases;
  for (const Geometry& g : kSmallGeometries) add_convolutions(cases, g, twice);
  for (const Geometry& g : kLargeGeometries) add_convolutions(cases, g, parity);
  cases.push_back(
      {"conv_up", "onto the least map", {{{2, 3, 2, 3}}, {{3, 2, 4, 4}}}, [](In x) { return conv_up(x[0], x[1]); }});
  return cases;
}

Cases matmul_cases() {
  Cases cases;
  for (const auto& [m, k, n, proof] :
       {std::tuple{4, 5, 3, twice}, {1, 4, 2, twice}, {3, 1, 1, twice}, {33, 65, 130, parity}, {1, 512, 1, parity}})
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        cases.push_back({"matmul",
                         std::string(ta ? "A^T " : "A ") + (tb ? "B^T" : "B"),
                         {{ta ? Shape{k, m} : Shape{m, k}}, {tb ? Shape{n, k} : Shape{k, n}}},
                         [=](In x) { return matmul(x[0], x[1], ta, tb); },
                         proof});
  return cases;
}

Cases batch_norm_cases() {
  Cases cases;
  for (const Shape s :
       {kSmall, Shape{1, 2, 3, 2}, Shape{5, 1, 1, 1}, Shape{1, 3, 1, 1}, Shape{6, 2, 2, 1}, Shape{7, 65, 9, 5},
        Shape{2, 1, 33, 31}, Shape{33, 24, 1, 1}, Shape{3, 64, 16, 16}, Shape{6, 36, 7, 5}})
    for (const double slope : {1.0, 0.2, 0.0}) {
      const Shape channels{.c = s.c};
      const Proof proof = s.size() > 100 ? parity : once;
      const std::string what = text(s) + ", slope " + std::to_string(slope);
      for (const int groups : {1, 2, 3})
        if (s.n % groups == 0)
          cases.push_back({"batch_norm",
                           "of the batch, " + std::to_string(groups) + " groups, " + what,
                           {{s}, {channels}, {channels}},
                           [=](In x) { return batch_norm(x[0], x[1], x[2], batch_moments(x[0], groups), slope); },
                           proof});
      cases.push_back({"batch_norm",
                       "fixed, " + what,
                       {{s}, {channels}, {channels}, fixed(channels), fixed(channels, positive)},
                       [slope](In x) {
                         return batch_norm(x[0], x[1], x[2], {x[3].view, x[4].view, true}, slope);
                       },
                       proof});
    }
  return cases;
}

// A critic's gradient penalty as in WGAN-GP (Gulrajani et al. 2017): mean over images of (|dD/dx|^2 - 1)^2.
Tensor gradient_penalty(In in) {
  const Tensor x = in[0], w = in[1], b = in[2], v = in[3];
  const Tensor d = conv_down(leaky_relu(add_bias(conv_down(x, w), b), 0.2), v, {2, 1, 0});
  const Tensor dx = x.tape->grad(sum(d), std::span(&x, 1))[0];
  const Tensor excess = affine(image_mean(mul(dx, dx)), x.shape().image(), -1);
  return mean(mul(excess, excess));
}

Cases composed_cases() {
  return {
      {"conv_down", "gradient penalty", {{{2, 1, 4, 4}}, {{2, 1, 4, 4}}, {{.c = 2}}, {{1, 2, 2, 2}}}, gradient_penalty},
      {"concat_channels",
       "a skip connection",
       {{{1, 2, 4, 4}}, {{3, 2, 4, 4}}, {{3, 2, 4, 4}}},
       [](In x) { return concat_channels(conv_up(leaky_relu(conv_down(x[0], x[1]), 0.2), x[2]), x[0]); }},
  };
}

}  // namespace

const std::vector<OpCase>& op_cases() {
  static const Cases all = [] {
    Cases cases;
    for (auto* part : {elementwise_cases, reduction_cases, loss_cases, moving_cases, conv_cases, matmul_cases,
                       batch_norm_cases, composed_cases})
      std::ranges::move(part(), std::back_inserter(cases));
    return cases;
  }();
  return all;
}

std::vector<Numbers> draw(const OpCase& c) {
  constexpr std::uint64_t kSeed = 20190814;
  int total = 0, used = 0;
  for (const Input& in : c.inputs) total += in.drawn == spaced ? in.shape.size() : 0;
  const std::vector<int> order = permutation(total, kSeed, Stream::sample, 0);
  std::vector<Numbers> all;
  for (const Input& in : c.inputs) {
    const auto row = static_cast<std::uint32_t>(all.size());
    Numbers x = gaussian(in.shape.size(), kSeed, row);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double u = philox(kSeed, Stream::sample, row, i).uniform(2);
      if (in.drawn == spaced) x[i] = (order[static_cast<std::size_t>(used++)] - total / 2 + 0.5) * 0.05;
      if (in.drawn == positive) x[i] = 0.1 + 1.9 * u;
      if (in.drawn == probability) x[i] = u;
      x[i] = static_cast<float>(x[i]);
    }
    all.push_back(x);
  }
  return all;
}

}  // namespace snag
