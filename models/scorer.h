#pragma once
#include <variant>

#include "models/config.h"
#include "models/generator.h"

namespace snag {

// What a detector says of images: a score each (higher = more anomalous) and, if it makes one, a reconstruction.
struct Scored {
  Tensor score;  // [N,1,1,1]
  Tensor image;  // like x, or empty
};

// The networks that score, apart from what trains them: the layout of their weights, the forward pass, the score with
// given weights.

// The generator of autoencoder, restore, gan, dcgan and dual_gan. Score: the reconstruction error that config.score
// names; of restore, which makes the upright image of a turned one, summed over the four turns.
class GanScorer {
 public:
  explicit GanScorer(const Config&);
  const Layout& layout() const { return layout_; }
  Reconstruction operator()(const Pass&, Tensor x) const;
  Tensor encode(const Pass&, Tensor x) const;
  Scored score(const Weights&, Tensor x) const;

 private:
  Tensor error(const Weights&, Tensor x, const Reconstruction&) const;  // [N,1,1,1]
  Config config_;
  Layout layout_;  // filled by network_'s constructor
  std::variant<Generator, DenseGenerator> network_;
};

// The supervised baseline cnn: four conv k4 s2 p1 to W, 2W, 4W, 8W channels, batch norm and leaky ReLU 0.2 after each,
// one linear layer to a logit. Each doubling of the side adds a layer of 8W channels. Score: the logit.
class ClassifierScorer {
 public:
  explicit ClassifierScorer(const Config&);
  const Layout& layout() const { return layout_; }
  Tensor logit(const Pass&, Tensor x) const;  // [N,1,1,1]
  Scored score(const Weights&, Tensor x) const;

 private:
  Layout layout_;
  std::vector<ConvLayer> convolution_;
  std::vector<BatchNormLayer> norm_;
  LinearLayer head_;
};

// The network of a model that has one.
using Scorer = std::variant<GanScorer, ClassifierScorer>;
Scorer make_scorer(const Config&);
const Layout& layout_of(const Scorer&);

}  // namespace snag
