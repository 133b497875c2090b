#pragma once
#include "engine/weights.h"

namespace snag {

struct AdamOptions {
  double beta1 = 0.5, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  double average_decay = 0;  // of the moving average
  Schedule schedule;
};

// Adam, or AdamW with weight_decay > 0, over one flat parameter list, and the moving average of that list and of the
// running statistics (kernels/optim.h has the equations).
class AdamOptimizer {
 public:
  // `average`, of the same layout, may be null. `step` is the schedule's clock, advanced by the trainer. Names its
  // state `name`.adam_*.
  AdamOptimizer(Tape&, const Weights&, const Weights* average, const AdamOptions&, Counter step, std::string name);

  // One update from weight * d loss / d weights. A parameter that the loss does not depend on counts as gradient 0.
  void minimize(Tensor loss, double weight = 1);

  void save(Checkpoint&) const;
  void load(const Checkpoint&);

 private:
  Tape& tape_;
  const Weights& weights_;
  const Weights* average_;
  AdamOptions options_;
  Counter step_, updates_;
  View m_, v_;
  std::string name_;
};

// A counter in device memory, set to `value`.
Counter make_counter(Backend&, std::int32_t value = 0);
std::int32_t read(Backend&, Counter);
void write(Backend&, Counter, std::int32_t value);

}  // namespace snag
