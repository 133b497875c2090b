#pragma once
#include <optional>

#include "models/scorer.h"
#include "models/training.h"

namespace snag {

// A generator that learns to reproduce normal images and to miss anomalous ones, with up to two discriminators: the
// systems autoencoder, restore, gan, dcgan and dual_gan, which differ in their Config. Score: the reconstruction error.
class Gan {
 public:
  // `step` is the trainer's clock; `total_steps` the length of its schedule; `normal`: how many normal training images
  // there are, for remember(). Throws Error{Exit::usage} where config asks for more neighbours.
  Gan(Tape&, const Config&, int total_steps, Counter step, int normal);

  // One training step: the discriminators first, then the generator, which sees normal and anomalous images as ONE
  // batch (joint batch-norm statistics; apart they would match neither kind in the test).
  void train(const Batch&);
  bool remembers() const { return network_.remembers(); }
  // Takes the normal training images in as they look to the weights that score now: before score() wherever
  // remembers().
  void remember(const Bytes& normal);
  Scored score(Tensor x) const;

  // Only the generator's part of train(): the weighted sum of its losses given G's reconstruction of the batch
  // (empty where all weights of the batch's kinds are 0).
  Tensor generator_loss(const Batch&, const Reconstruction&);
  Reconstruction reconstruct(Tensor x) const;  // in training mode, with the weights in training
  const Weights& generator_weights() const { return generator_.weights(); }

  LossLog& losses() { return losses_; }
  const LossLog& losses() const { return losses_; }
  void save_weights(Checkpoint&) const;  // all that scores: the generator's averaged ones, and the critics'
  void save(Checkpoint&) const;          // everything that training goes on from
  void load(const Checkpoint&);

 private:
  struct TrainedCritic;
  Pass pass(const Weights& w, int groups = 1) const { return {w, Statistics::batch, groups, step_, config_.seed}; }
  Tensor judge(const TrainedCritic&, Tensor x, int groups = 1) const;
  void train_critic(TrainedCritic&, const char* name, Tensor x, Tensor y, double weight);

  Tape& tape_;
  Config config_;
  Counter step_;
  GanScorer network_;
  Trained generator_;
  std::optional<Neighbours> neighbours_;  // where remembers()
  struct TrainedCritic {
    TrainedCritic(Tape&, const Config&, int total_steps, Counter step, const std::string& name);
    Critic network;
    Trained trained;
  };
  std::optional<TrainedCritic> normal_, anomalous_;
  LossLog losses_;
};

}  // namespace snag
