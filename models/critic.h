#pragma once
#include <string>
#include <variant>

#include "models/config.h"
#include "models/generator.h"

namespace snag {

// The network that tells images of one kind from those that the generator makes of them: the discriminator that goes
// with config.model. Its weights' names begin with `name`: N for normal images, AN for anomalous ones.
class Critic {
 public:
  Critic(const Config&, const std::string& name);
  const Layout& layout() const { return layout_; }
  // The logit of the probability that x is no made image, for each part of it: [N,1,2,2], of gan [N,1,1,1].
  Tensor operator()(const Pass&, Tensor x) const;

 private:
  Layout layout_;  // filled by network_'s constructor
  std::variant<Discriminator, DenseDiscriminator> network_;
};

}  // namespace snag
