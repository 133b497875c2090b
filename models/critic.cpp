#include "models/critic.h"

namespace snag {
namespace {

std::variant<Discriminator, DenseDiscriminator> make_discriminator(Layout& layout, const std::string& name,
                                                                   const Config& c) {
  if (c.model == "gan") return DenseDiscriminator(layout, name, c.width, image_channels(c), c.size);
  return Discriminator(layout, name, c.width, image_channels(c), c.size);
}

}  // namespace

Critic::Critic(const Config& config, const std::string& name) : network_(make_discriminator(layout_, name, config)) {}

Tensor Critic::operator()(const Pass& pass, Tensor x) const {
  return std::visit([&](const auto& d) { return d(pass, x); }, network_);
}

}  // namespace snag
