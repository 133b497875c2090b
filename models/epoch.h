#pragma once
#include <cstdint>
#include <vector>

namespace snag {

// How a training set of `normal` and `anomalous` images is dealt out to steps. Each kind runs through permutation after
// permutation of its images, so what a step sees is a function of (seed, step) alone. An epoch is one pass over the
// normal images; of the anomalous ones, which may be far more, each epoch takes as many as its steps need.
class Epochs {
 public:
  // batch_size images a step: half normal and half anomalous; at 1 the kinds take turns, normal first; with
  // anomalous = 0 all are normal. Throws Error{Exit::usage} where a step takes more of a kind than there are.
  Epochs(int normal, int anomalous, int batch_size, std::uint64_t seed);

  int steps() const { return steps_; }              // in an epoch
  bool kinds_take_turns() const { return turns_; }  // even steps are normal, odd ones anomalous
  int normal_slots() const { return normal_slots_; }
  int anomalous_slots() const { return anomalous_slots_; }
  // The images of each step of an epoch, [steps, batch_size], normal ones first; anomalous image k is number normal +
  // k.
  std::vector<std::int32_t> order(int epoch) const;

 private:
  int normal_, anomalous_, normal_slots_, anomalous_slots_, rounds_, steps_;
  bool turns_;
  std::uint64_t seed_;
};

}  // namespace snag
