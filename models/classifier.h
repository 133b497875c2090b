#pragma once
#include "models/scorer.h"
#include "models/training.h"

namespace snag {

// The supervised baseline: trains a ClassifierScorer by binary cross-entropy with anomalous = 1.
class Classifier {
 public:
  Classifier(Tape&, const Config&, int total_steps, Counter step);
  void train(const Batch&);
  Scored score(Tensor x) const { return network_.score(trained_.average(), x); }

  LossLog& losses() { return losses_; }
  const LossLog& losses() const { return losses_; }
  void save_weights(Checkpoint&) const;
  void save(Checkpoint&) const;
  void load(const Checkpoint&);

 private:
  Tape& tape_;
  ClassifierScorer network_;
  Trained trained_;
  LossLog losses_;
};

}  // namespace snag
