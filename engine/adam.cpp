#include "engine/adam.h"

#include <stdexcept>

#include "base/error.h"

namespace snag {

AdamOptimizer::AdamOptimizer(Tape& tape, const Weights& weights, const Weights* average, const AdamOptions& options,
                             Counter step, std::string name)
    : tape_(tape),
      weights_(weights),
      average_(average),
      options_(options),
      step_(step),
      updates_(make_counter(tape.backend())),
      name_(std::move(name)) {
  if (weights.trained().size() > Gradients::capacity)
    throw std::length_error("Adam: " + std::to_string(weights.trained().size()) + " parameters, Gradients holds " +
                            std::to_string(Gradients::capacity));
  m_ = tape.empty(weights.flat_trained().shape).view;
  v_ = tape.empty(weights.flat_trained().shape).view;
  tape.backend().run(Fill{.y = m_, .value = 0});
  tape.backend().run(Fill{.y = v_, .value = 0});
}

void AdamOptimizer::minimize(Tensor loss, double weight) {
  tape_.backend().run(
      Advance{.counter = updates_});  // before, as nothing comes after that it could share a launch with
  const auto gradient = tape_.grad_in_two(loss, weights_.trained(), weight);
  Gradients g;
  for (std::size_t k = 0; k < gradient.size(); ++k) {
    Tensor d = gradient[k][0];
    if (!d) {
      d = tape_.empty(weights_.trained()[k].shape());
      tape_.backend().run(Fill{.y = d.view, .value = 0});
    }
    g.data[k] = d.view.data;
    g.more[k] = gradient[k][1].view.data;
    g.begin[k + 1] = g.begin[k] + d.shape().size();
  }
  g.count = static_cast<int>(gradient.size());
  tape_.backend().run(Adam{.w = average_ ? weights_.flat() : weights_.flat_trained(),
                           .average = average_ ? average_->flat() : View{},
                           .m = m_,
                           .v = v_,
                           .g = g,
                           .step = step_,
                           .updates = updates_,
                           .schedule = options_.schedule,
                           .beta1 = options_.beta1,
                           .beta2 = options_.beta2,
                           .eps = options_.eps,
                           .weight_decay = options_.weight_decay,
                           .decay = options_.average_decay});
}

void AdamOptimizer::save(Checkpoint& to) const {
  save_flat(tape_.backend(), to, name_ + ".adam_m", m_);
  save_flat(tape_.backend(), to, name_ + ".adam_v", v_);
  to.metadata[name_ + ".adam_updates"] = std::to_string(read(tape_.backend(), updates_));
}

void AdamOptimizer::load(const Checkpoint& from) {
  load_flat(tape_.backend(), from, name_ + ".adam_m", m_);
  load_flat(tape_.backend(), from, name_ + ".adam_v", v_);
  write(tape_.backend(), updates_, metadata_count(from, name_ + ".adam_updates"));
}

Counter make_counter(Backend& backend, std::int32_t value) {
  const Counter c{static_cast<std::int32_t*>(backend.alloc(sizeof(std::int32_t)))};
  write(backend, c, value);
  return c;
}

std::int32_t read(Backend& backend, Counter c) {
  std::int32_t value = 0;
  backend.download(&value, c.data, sizeof value);
  return value;
}

void write(Backend& backend, Counter c, std::int32_t value) { backend.upload(c.data, &value, sizeof value); }

}  // namespace snag
