#include "models/scorer.h"

namespace snag {
namespace {

constexpr double kSlope = 0.2;
constexpr int kLayers = 4;

std::variant<Generator, DenseGenerator> make_generator(Layout& layout, const Config& c) {
  const GeneratorOptions options{.width = c.width, .skip = c.skip, .range = c.output_range, .dropout = c.dropout};
  if (c.model == "gan") return DenseGenerator(layout, options);
  return Generator(layout, options);
}

std::vector<ConvLayer> convolutions(Layout& layout, int width) {
  std::vector<ConvLayer> layers;
  for (int i = 0; i < kLayers; ++i)
    layers.emplace_back(layout, "C." + std::to_string(i) + ".conv", i == 0 ? 1 : width << (i - 1), width << i);
  return layers;
}

std::vector<BatchNormLayer> norms(Layout& layout, int width) {
  std::vector<BatchNormLayer> layers;
  for (int i = 0; i < kLayers; ++i) layers.emplace_back(layout, "C." + std::to_string(i) + ".norm", width << i, kSlope);
  return layers;
}

}  // namespace

GanScorer::GanScorer(const Config& config) : config_(config), network_(make_generator(layout_, config)) {}

Reconstruction GanScorer::operator()(const Pass& p, Tensor x) const {
  return std::visit([&](const auto& g) { return g(p, x); }, network_);
}

Tensor GanScorer::encode(const Pass& p, Tensor x) const {
  return std::visit([&](const auto& g) { return g.encode(p, x); }, network_);
}

Scored GanScorer::score(const Weights& weights, Tensor x) const {
  const Tensor y = (*this)({weights, Statistics::running}, x).image;
  if (config_.score == "patch")
    return {top_mean(patch_mean(pixel_error(x, y, Distance::l1), config_.patch_size, config_.patch_stride),
                     config_.patch_largest),
            y};
  return {image_mean(pixel_error(x, y, distance_of(config_.score))), y};
}

ClassifierScorer::ClassifierScorer(const Config& config)
    : convolution_(convolutions(layout_, config.width)),
      norm_(norms(layout_, config.width)),
      head_(layout_, "C.head", 4 * (config.width << (kLayers - 1)), 1, 1) {}

Tensor ClassifierScorer::logit(const Pass& p, Tensor x) const {
  for (std::size_t i = 0; i < kLayers; ++i) x = norm_[i](p.weights, convolution_[i](p.weights, x), p.statistics);
  return head_(p.weights, reshape(x, {.n = x.shape().n, .c = x.shape().image()}));
}

Scored ClassifierScorer::score(const Weights& weights, Tensor x) const {
  return {logit({weights, Statistics::running}, x), {}};
}

Scorer make_scorer(const Config& config) {
  if (config.model == "cnn") return ClassifierScorer(config);
  return GanScorer(config);
}

const Layout& layout_of(const Scorer& scorer) {
  return std::visit([](const auto& s) -> const Layout& { return s.layout(); }, scorer);
}

}  // namespace snag
