#include "models/scorer.h"

#include <algorithm>

namespace snag {
namespace {

constexpr double kSlope = 0.2;

std::variant<Generator, DenseGenerator> make_generator(Layout& layout, const Config& c) {
  const GeneratorOptions options{.channels = image_channels(c),
                                 .side = c.size,
                                 .width = c.width,
                                 .skip = c.skip,
                                 .range = c.output_range,
                                 .dropout = c.dropout};
  if (c.model == "gan") return DenseGenerator(layout, options);
  return Generator(layout, options);
}

int layers(const Config& c) { return 4 + extra_levels(c.size); }
int channels(const Config& c, int layer) { return c.width << std::min(layer, 3); }

std::vector<ConvLayer> convolutions(Layout& layout, const Config& c) {
  std::vector<ConvLayer> all;
  for (int i = 0; i < layers(c); ++i)
    all.emplace_back(layout, "C." + std::to_string(i) + ".conv", i == 0 ? image_channels(c) : channels(c, i - 1),
                     channels(c, i));
  return all;
}

std::vector<BatchNormLayer> norms(Layout& layout, const Config& c) {
  std::vector<BatchNormLayer> all;
  for (int i = 0; i < layers(c); ++i)
    all.emplace_back(layout, "C." + std::to_string(i) + ".norm", channels(c, i), kSlope);
  return all;
}

}  // namespace

GanScorer::GanScorer(const Config& config) : config_(config), network_(make_generator(layout_, config)) {
  for (const std::string& term : score_terms(config))
    if (term == "discriminator")
      critic_.emplace(config, "N");
    else if (term == "neighbours")
      remembers_ = true;
    else
      errors_.push_back(term);
}

Reconstruction GanScorer::operator()(const Pass& p, Tensor x) const {
  return std::visit([&](const auto& g) { return g(p, x); }, network_);
}

Tensor GanScorer::encode(const Pass& p, Tensor x) const {
  return std::visit([&](const auto& g) { return g.encode(p, x); }, network_);
}

int GanScorer::latent_values() const {
  return std::visit([](const auto& g) { return g.latent_values(); }, network_);
}

Tensor GanScorer::error(const Weights& weights, Tensor x, const Reconstruction& y) const {
  const auto term = [&](const std::string& name) {
    if (name == "patch")
      return top_mean(patch_mean(pixel_error(x, y.image, Distance::l1), config_.patch_size, config_.patch_stride),
                      config_.patch_largest);
    if (name == "latent") return image_mean(abs_diff(encode({weights}, clamp(y.image, -1, 1)), encode({weights}, x)));
    return image_mean(pixel_error(x, y.image, distance_of(name)));
  };
  Tensor sum;
  for (const std::string& name : errors_) sum = sum ? add(sum, term(name)) : term(name);
  return sum;
}

Scored GanScorer::score(const ScoringWeights& weights, Tensor x) const {
  const Pass pass{weights.generator, Statistics::running};
  const Reconstruction upright = (*this)(pass, x);
  Tensor sum;
  const auto add_term = [&](Tensor term) { sum = sum ? add(sum, term) : term; };
  if (!errors_.empty()) {
    add_term(error(weights.generator, x, upright));
    if (config_.model == "restore")
      for (int turns = 1; turns < 4; ++turns)
        add_term(error(weights.generator, x, (*this)(pass, quarter_turn(x, turns))));
  }
  if (remembers_) add_term(weights.neighbours->distance(upright.latent));
  if (critic_) {
    const Tensor unlike = affine(sigmoid((*critic_)({*weights.critic}, x)), -1, 1);
    add_term(image_mean(mul(unlike, unlike)));
  }
  return {sum, upright.image};
}

ClassifierScorer::ClassifierScorer(const Config& config)
    : convolution_(convolutions(layout_, config)),
      norm_(norms(layout_, config)),
      head_(layout_, "C.head", 4 * channels(config, 3), 1, 1) {}

Tensor ClassifierScorer::logit(const Pass& p, Tensor x) const {
  for (std::size_t i = 0; i < convolution_.size(); ++i)
    x = norm_[i](p.weights, convolution_[i](p.weights, x, p.statistics), p.statistics);
  return head_(p.weights, reshape(x, {.n = x.shape().n, .c = x.shape().image()}));
}

Scored ClassifierScorer::score(const Weights& weights, Tensor x) const {
  return {logit({weights, Statistics::running}, x), {}};
}

}  // namespace snag
