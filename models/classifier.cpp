#include "models/classifier.h"

namespace snag {

Classifier::Classifier(Tape& tape, const Config& c, int total_steps, Counter step)
    : tape_(tape),
      network_(c),
      trained_(tape, network_.layout(), c, learning_rate(c), total_steps, step, "C"),
      losses_(tape.backend(), {"cross_entropy"}) {}

void Classifier::train(const Batch& batch) {
  const Tensor target = tape_.leaf({.n = batch.normal + batch.anomalous});
  if (batch.normal > 0) tape_.backend().run(Fill{.y = batch.of_normal(target).view, .value = 0});
  if (batch.anomalous > 0) tape_.backend().run(Fill{.y = batch.of_anomalous(target).view, .value = 1});
  const Tensor logit = network_.logit({trained_.weights(), Statistics::batch}, batch.x);
  const Tensor loss = mean(bce_with_logits(logit, target));
  losses_.add("cross_entropy", loss);
  trained_.minimize(loss);
  losses_.flush();
}

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
