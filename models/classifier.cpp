#include "models/classifier.h"

namespace snag {
namespace {

constexpr double kSlope = 0.2;
constexpr int kLayers = 4;

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

Classifier::Classifier(Tape& tape, const Config& c, int total_steps, Counter step)
    : tape_(tape),
      config_(c),
      convolution_(convolutions(layout_, c.width)),
      norm_(norms(layout_, c.width)),
      head_(layout_, "C.head", 4 * (c.width << (kLayers - 1)), 1, 1),
      trained_(tape, layout_, c, learning_rate(c), total_steps, step, "C"),
      losses_(tape.backend(), {"cross_entropy"}) {}

Tensor Classifier::logit(const Pass& p, Tensor x) const {
  for (std::size_t i = 0; i < kLayers; ++i) x = norm_[i](p.weights, convolution_[i](p.weights, x), p.statistics);
  return head_(p.weights, reshape(x, {.n = x.shape().n, .c = x.shape().image()}));
}

void Classifier::train(const Batch& batch) {
  const Tensor target = tape_.leaf({.n = batch.normal + batch.anomalous});
  if (batch.normal > 0) tape_.backend().run(Fill{.y = batch.of_normal(target).view, .value = 0});
  if (batch.anomalous > 0) tape_.backend().run(Fill{.y = batch.of_anomalous(target).view, .value = 1});
  const Tensor loss = mean(bce_with_logits(logit({trained_.weights(), Statistics::batch}, batch.x), target));
  losses_.add("cross_entropy", loss);
  trained_.minimize(loss);
  losses_.flush();
}

Scored Classifier::score(Tensor x) const { return {logit({trained_.average(), Statistics::running}, x), {}}; }

void Classifier::save_weights(Checkpoint& to) const { trained_.average().save(to); }

void Classifier::save(Checkpoint& to) const {
  trained_.save(to);
  losses_.save(to);
}

void Classifier::load(const Checkpoint& from) {
  trained_.load(from);
  losses_.load(from);
}

}  // namespace snag
