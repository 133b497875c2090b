#include "models/generator.h"

namespace snag {
namespace {

constexpr double kSlope = 0.2, kRelu = 0;

Tensor flat(Tensor x) { return reshape(x, {.n = x.shape().n, .c = x.shape().image()}); }

}  // namespace

Generator::Generator(Layout& layout, const GeneratorOptions& options) : options_(options) {
  const int w = options.width, wider = options.skip ? 2 : 1;  // concatenation doubles the decoder's inputs
  const int in[4] = {1, w, 2 * w, 4 * w};
  for (int i = 0; i < 4; ++i) {
    const std::string name = "G.encoder." + std::to_string(i);
    down_.emplace_back(layout, name + ".conv", in[i], i < 3 ? in[i + 1] : 8 * w);
    if (i > 0) down_norm_.emplace_back(layout, name + ".norm", i < 3 ? in[i + 1] : 8 * w, kSlope);
  }
  const int from[4] = {8 * w, 4 * w * wider, 2 * w * wider, w * wider}, to[4] = {4 * w, 2 * w, w, 1};
  for (int i = 0; i < 4; ++i) {
    const std::string name = "G.decoder." + std::to_string(i);
    up_.emplace_back(layout, name + ".conv", from[i], to[i]);
    if (i < 3) up_norm_.emplace_back(layout, name + ".norm", to[i], kRelu);
  }
}

std::array<Tensor, 4> Generator::maps(const Pass& pass, Tensor x) const {
  std::array<Tensor, 4> map;
  map[0] = leaky_relu(down_[0](pass.weights, x), kSlope);
  for (std::size_t i = 1; i < 4; ++i)
    map[i] = down_norm_[i - 1](pass.weights, down_[i](pass.weights, map[i - 1]), pass.statistics);
  return map;
}

Reconstruction Generator::operator()(const Pass& pass, Tensor x) const {
  const std::array<Tensor, 4> map = maps(pass, x);
  Tensor y = map[3];
  for (std::size_t i = 0; i < 3; ++i) {
    y = up_norm_[i](pass.weights, up_[i](pass.weights, y), pass.statistics);
    if (options_.dropout > 0 && i < 2 && pass.statistics == Statistics::batch)
      y = dropout(y, options_.dropout, pass.step, pass.seed, static_cast<std::uint32_t>(i));
    if (options_.skip) y = concat_channels(y, map[2 - i]);
  }
  return {tanh(up_[3](pass.weights, y), options_.range), map[3]};
}

DenseGenerator::DenseGenerator(Layout& layout, const GeneratorOptions& options) : options_(options) {
  const int w = options.width, size[5] = {kPixels, 32 * w, 16 * w, 8 * w, 4 * w};
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

Discriminator::Discriminator(Layout& layout, const std::string& name, int width) {
  const int size[6] = {1, width, 2 * width, 4 * width, 4 * width, 1};
  for (int i = 0; i < 5; ++i) {
    const std::string layer = name + "." + std::to_string(i);
    convolution_.emplace_back(layout, layer + ".conv", size[i], size[i + 1], Conv{.stride = i < 3 ? 2 : 1});
    if (i >= 1 && i <= 3) norm_.emplace_back(layout, layer + ".norm", size[i + 1], i == 3 ? kSlope : kRelu);
  }
}

Tensor Discriminator::operator()(const Pass& pass, Tensor x) const {
  Tensor y = leaky_relu(convolution_[0](pass.weights, x), kRelu);
  for (std::size_t i = 1; i < 4; ++i)
    y = norm_[i - 1](pass.weights, convolution_[i](pass.weights, y), pass.statistics, pass.groups);
  return sigmoid(convolution_[4](pass.weights, y));
}

DenseDiscriminator::DenseDiscriminator(Layout& layout, const std::string& name, int width) {
  const int size[4] = {kPixels, 16 * width, 8 * width, 1};
  for (int i = 0; i < 3; ++i)
    layers_.emplace_back(layout, name + "." + std::to_string(i), size[i], size[i + 1], i < 2 ? 1.4142135623730951 : 1);
}

Tensor DenseDiscriminator::operator()(const Pass& pass, Tensor x) const {
  Tensor y = flat(x);
  for (std::size_t i = 0; i < 3; ++i) {
    y = layers_[i](pass.weights, y);
    if (i < 2) y = leaky_relu(y, kSlope);
  }
  return sigmoid(y);
}

}  // namespace snag
