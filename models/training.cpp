#include "models/training.h"

#include <algorithm>
#include <stdexcept>

namespace snag {
namespace {

AdamOptions adam_options(const Config& c, double learning_rate, int total_steps) {
  return {
      .beta1 = c.beta1,
      .beta2 = c.beta2,
      .weight_decay = c.weight_decay,
      .average_decay = c.ema,
      .schedule = {.base = learning_rate, .warmup = c.warmup, .total = total_steps, .cosine = c.schedule == "cosine"}};
}

}  // namespace

LossLog::LossLog(Backend& backend, std::vector<std::string> names) : backend_(backend), names_(std::move(names)) {
  const Shape s{.c = static_cast<int>(names_.size())};
  for (View* v : {&total_, &count_}) {
    *v = {static_cast<real*>(backend.alloc(sizeof(real) * names_.size())), s};
    backend.run(Fill{.y = *v, .value = 0});
  }
}

void LossLog::add(const std::string& name, Tensor scalar) {
  const auto it = std::find(names_.begin(), names_.end(), name);
  if (it == names_.end()) throw std::logic_error("LossLog has no loss '" + name + "'");
  const int slot = static_cast<int>(it - names_.begin());
  if (noted_.count == Entries::capacity || std::count(noted_.slot, noted_.slot + noted_.count, slot) > 0)
    throw std::logic_error("LossLog: '" + name + "' is noted twice, or there are too many losses");
  noted_.x[noted_.count] = scalar.view.data;
  noted_.slot[noted_.count++] = slot;
}

void LossLog::flush() {
  if (noted_.count > 0) backend_.run(Accumulate{.total = total_, .count = count_, .entries = noted_});
  noted_ = {};
}

std::vector<std::optional<double>> LossLog::take() {
  std::vector<real> total(names_.size()), count(names_.size());
  backend_.download(total.data(), total_.data, sizeof(real) * total.size());
  backend_.download(count.data(), count_.data, sizeof(real) * count.size());
  backend_.run(Fill{.y = total_, .value = 0});
  backend_.run(Fill{.y = count_, .value = 0});
  std::vector<std::optional<double>> mean(total.size());
  for (std::size_t i = 0; i < total.size(); ++i)
    if (count[i] > 0) mean[i] = double(total[i]) / count[i];
  return mean;
}

void LossLog::save(Checkpoint& to) const {
  save_flat(backend_, to, "losses.total", total_);
  save_flat(backend_, to, "losses.count", count_);
}

void LossLog::load(const Checkpoint& from) {
  load_flat(backend_, from, "losses.total", total_);
  load_flat(backend_, from, "losses.count", count_);
}

Trained::Trained(Tape& tape, const Layout& layout, const Config& config, double learning_rate, int total_steps,
                 Counter step, std::string name, bool averaged)
    : weights_(tape, layout, config.seed),
      average_(averaged ? std::optional<Weights>(std::in_place, tape, weights_) : std::nullopt),
      optimizer_(tape, weights_, average_ ? &*average_ : nullptr, adam_options(config, learning_rate, total_steps),
                 step, std::move(name)) {}

void Trained::save(Checkpoint& to) const {
  weights_.save(to);
  if (average_) average_->save(to, "average.");
  optimizer_.save(to);
}

void Trained::load(const Checkpoint& from) {
  weights_.load(from);
  if (average_) average_->load(from, "average.");
  optimizer_.load(from);
}

}  // namespace snag
