#include "models/saved_scorer.h"

namespace snag {
namespace {

std::variant<GanScorer, ClassifierScorer> make_network(const Config& config) {
  if (config.model == "cnn") return ClassifierScorer(config);
  return GanScorer(config);
}

const Layout& layout_of(const std::variant<GanScorer, ClassifierScorer>& network) {
  return std::visit([](const auto& n) -> const Layout& { return n.layout(); }, network);
}

}  // namespace

SavedScorer::SavedScorer(Tape& tape, const Config& config, const Checkpoint& from)
    : network_(make_network(config)), weights_(tape, layout_of(network_)) {
  const auto fill = [&](Weights& weights) {
    weights.load(from);
    tape.backend().freeze(weights.flat());
  };
  fill(weights_);
  const auto* gan = std::get_if<GanScorer>(&network_);
  if (gan && gan->critic()) fill(critic_.emplace(tape, gan->critic()->layout()));
  if (gan && gan->remembers()) neighbours_.emplace(tape, from, gan->latent_values(), config.neighbours);
}

Scored SavedScorer::score(Tensor x) const {
  if (const auto* gan = std::get_if<GanScorer>(&network_))
    return gan->score({.generator = weights_,
                       .critic = critic_ ? &*critic_ : nullptr,
                       .neighbours = neighbours_ ? &*neighbours_ : nullptr},
                      x);
  return std::get<ClassifierScorer>(network_).score(weights_, x);
}

Tensor SavedScorer::reconstruct(Tensor x) const { return std::get<GanScorer>(network_)({weights_}, x).image; }

std::vector<Weights::Named> SavedScorer::entries() const {
  std::vector<Weights::Named> all = weights_.entries();
  const auto append = [&](std::vector<Weights::Named> more) {
    for (Weights::Named& w : more) all.push_back(std::move(w));
  };
  if (critic_) append(critic_->entries());
  if (neighbours_) append(neighbours_->entries());
  return all;
}

}  // namespace snag
