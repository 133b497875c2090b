#pragma once
#include "models/generator.h"
#include "models/training.h"

namespace snag {

// The supervised baseline: four conv k4 s2 p1 to W, 2W, 4W, 8W channels, batch norm and leaky ReLU 0.2 after each, one
// linear layer to a logit, binary cross-entropy with anomalous = 1. Score: the logit.
class Classifier {
 public:
  Classifier(Tape&, const Config&, int total_steps, Counter step);
  void train(const Batch&);
  Scored score(Tensor x) const;

  LossLog& losses() { return losses_; }
  const LossLog& losses() const { return losses_; }
  void save_weights(Checkpoint&) const;
  void save(Checkpoint&) const;
  void load(const Checkpoint&);

 private:
  Tensor logit(const Pass&, Tensor x) const;

  Tape& tape_;
  Config config_;
  Layout layout_;
  std::vector<ConvLayer> convolution_;
  std::vector<BatchNormLayer> norm_;
  LinearLayer head_;
  Trained trained_;
  LossLog losses_;
};

}  // namespace snag
