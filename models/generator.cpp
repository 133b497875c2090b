#include "models/generator.h"

#include <algorithm>

#include "data/at.h"

namespace snag {
namespace {

constexpr double kSlope = 0.2, kRelu = 0;

Tensor flat(Tensor x) { return reshape(x, {.n = x.shape().n, .c = x.shape().image()}); }

}  // namespace

Generator::Generator(Layout& layout, const GeneratorOptions& options) : options_(options) {
  const int w = options.width, levels = 4 + extra_levels(options.side);
  const int wider = options.skip ? 2 : 1;   // concatenation doubles the decoder's inputs
  std::vector<int> size{options.channels};  // channels at each level's outside; the last is the latent's
  for (int i = 0; i < levels; ++i) size.push_back(w << std::min(i, 3));
  for (int i = 0; i < levels; ++i) {
    const std::string name = "G.encoder." + std::to_string(i);
    down_.emplace_back(layout, name + ".conv", size[at(i)], size[at(i + 1)]);
    if (i > 0) down_norm_.emplace_back(layout, name + ".norm", size[at(i + 1)], kSlope);
  }
  for (int i = 0; i < levels; ++i) {
    const std::string name = "G.decoder." + std::to_string(i);
    const int from = size[at(levels - i)], to = size[at(levels - i - 1)];
    up_.emplace_back(layout, name + ".conv", i == 0 ? from : from * wider, to);
    if (i + 1 < levels) up_norm_.emplace_back(layout, name + ".norm", to, kRelu);
  }
}

std::vector<Tensor> Generator::maps(const Pass& pass, Tensor x) const {
  std::vector<Tensor> map{leaky_relu(down_[0](pass.weights, x, pass.statistics), kSlope)};
  for (std::size_t i = 1; i < down_.size(); ++i)
    map.push_back(
        down_norm_[i - 1](pass.weights, down_[i](pass.weights, map[i - 1], pass.statistics), pass.statistics));
  return map;
}

Reconstruction Generator::operator()(const Pass& pass, Tensor x) const {
  const std::vector<Tensor> map = maps(pass, x);
  const std::size_t last = up_.size() - 1;
  Tensor y = map[last];
  for (std::size_t i = 0; i < last; ++i) {
    y = up_norm_[i](pass.weights, up_[i](pass.weights, y, pass.statistics), pass.statistics);
    if (options_.dropout > 0 && i < 2 && pass.statistics == Statistics::batch)
      y = dropout(y, options_.dropout, pass.step, pass.seed, static_cast<std::uint32_t>(i));
    if (options_.skip) y = concat_channels(y, map[last - 1 - i]);
  }
  return {tanh(up_[last](pass.weights, y, pass.statistics), options_.range), map[last]};
}

DenseGenerator::DenseGenerator(Layout& layout, const GeneratorOptions& options) : options_(options) {
  const int w = options.width, values = options.channels * options.side * options.side;
  const int size[5] = {values, 32 * w, 16 * w, 8 * w, 4 * w};
  for (int i = 0; i < 4; ++i) down_.emplace_back(layout, "G.encoder." + std::to_string(i), size[i], size[i + 1]);
  for (int i = 0; i < 4; ++i)
    up_.emplace_back(layout, "G.decoder." + std::to_string(i), size[4 - i], size[3 - i],
                     i < 3 ? 1.4142135623730951 : 1);
}

Tensor DenseGenerator::encode(const Pass& pass, Tensor x) const {
  Tensor y = flat(x);
  for (const LinearLayer& layer : down_) y = leaky_relu(layer(pass.weights, y), kSlope);
  return y;
}

Reconstruction DenseGenerator::operator()(const Pass& pass, Tensor x) const {
  const Tensor latent = encode(pass, x);
  Tensor y = latent;
  for (std::size_t i = 0; i < 4; ++i) {
    y = up_[i](pass.weights, y);
    if (i < 3) y = leaky_relu(y, kSlope);
  }
  return {reshape(tanh(y, options_.range), x.shape()), latent};
}

Discriminator::Discriminator(Layout& layout, const std::string& name, int width, int channels, int side) {
  const int halving = 3 + extra_levels(side);  // layers of stride 2; two of stride 1 follow
  std::vector<int> size{channels};
  for (int i = 0; i < halving + 1; ++i) size.push_back(width << std::min(i, 2));
  size.push_back(1);
  for (int i = 0; i < halving + 2; ++i) {
    const std::string layer = name + "." + std::to_string(i);
    convolution_.emplace_back(layout, layer + ".conv", size[at(i)], size[at(i + 1)],
                              Conv{.stride = i < halving ? 2 : 1});
    if (i >= 1 && i <= halving)
      norm_.emplace_back(layout, layer + ".norm", size[at(i + 1)], i == halving ? kSlope : kRelu);
  }
}

Tensor Discriminator::operator()(const Pass& pass, Tensor x) const {
  Tensor y = leaky_relu(convolution_[0](pass.weights, x, pass.statistics), kRelu);
  for (std::size_t i = 0; i < norm_.size(); ++i)
    y = norm_[i](pass.weights, convolution_[i + 1](pass.weights, y, pass.statistics), pass.statistics, pass.groups);
  return convolution_.back()(pass.weights, y, pass.statistics);
}

DenseDiscriminator::DenseDiscriminator(Layout& layout, const std::string& name, int width, int channels, int side) {
  const int size[4] = {channels * side * side, 16 * width, 8 * width, 1};
  for (int i = 0; i < 3; ++i)
    layers_.emplace_back(layout, name + "." + std::to_string(i), size[i], size[i + 1], i < 2 ? 1.4142135623730951 : 1);
}

Tensor DenseDiscriminator::operator()(const Pass& pass, Tensor x) const {
  Tensor y = flat(x);
  for (std::size_t i = 0; i < 3; ++i) {
    y = layers_[i](pass.weights, y);
    if (i < 2) y = leaky_relu(y, kSlope);
  }
  return y;
}

}  // namespace snag
