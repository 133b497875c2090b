#pragma once
#include <optional>
#include <variant>

#include "models/critic.h"
#include "models/neighbours.h"

namespace snag {

// What a detector says of images: a score each (higher = more anomalous) and, if it makes one, a reconstruction.
struct Scored {
  Tensor score;  // [N,1,1,1]
  Tensor image;  // like x, or empty
};

// The networks that score, apart from what trains them: the layout of their weights, the forward pass, the score with
// given weights.

// The generator of autoencoder, restore, gan, dcgan and dual_gan. Score: the sum of what config.score names.
//   l1, l2, patch, latent  how far the reconstruction is from the image; of restore, which makes the upright image of
//                          a turned one, summed over the four turns
//   neighbours             how far the latent is from those of the nearest normal training images
//   discriminator          mean (1 - N(x))^2: how far the critic of normal images is from taking the image for one
class GanScorer {
 public:
  struct ScoringWeights {
    const Weights& generator;
    const Weights* critic;         // needed where critic() is
    const Neighbours* neighbours;  // needed where remembers()
  };
  explicit GanScorer(const Config&);
  const Layout& layout() const { return layout_; }
  const Critic* critic() const { return critic_ ? &*critic_ : nullptr; }  // where the score asks for it
  bool remembers() const { return remembers_; }  // the score asks for the normal images' latents
  int latent_values() const;                     // of an image
  Reconstruction operator()(const Pass&, Tensor x) const;
  Tensor encode(const Pass&, Tensor x) const;
  Scored score(const ScoringWeights&, Tensor x) const;

 private:
  Tensor error(const Weights&, Tensor x, const Reconstruction&) const;  // [N,1,1,1]
  Config config_;
  Layout layout_;  // filled by network_'s constructor
  std::variant<Generator, DenseGenerator> network_;
  std::vector<std::string> errors_;  // terms of the score that compare x with its reconstruction
  std::optional<Critic> critic_;
  bool remembers_ = false;
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

}  // namespace snag
