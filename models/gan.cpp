#include "models/gan.h"

#include "models/judge.h"

namespace snag {
namespace {

std::vector<std::string> loss_names(const Config& c) {
  std::vector<std::string> names{"generator"};
  const auto add = [&](const char* name, double weight) {
    if (weight > 0) names.emplace_back(name);
  };
  add("reconstruction_normal", c.reconstruction_weight);
  add("patch_normal", c.patch_weight);
  add("latent_normal", c.latent_weight);
  add("adversarial_normal", c.adversarial_normal_weight);
  if (!c.normal_only) {
    names.emplace_back("reconstruction_anomalous");
    add("abc_anomalous", c.abc_weight);
    add("adversarial_anomalous", c.adversarial_anomalous_weight);
    if (c.adversarial_anomalous_weight > 0) add("discriminator_anomalous", c.discriminator_anomalous_weight);
  }
  if (c.adversarial_normal_weight > 0) add("discriminator_normal", c.discriminator_normal_weight);
  return names;
}

}  // namespace

Gan::TrainedCritic::TrainedCritic(Tape& tape, const Config& c, int total_steps, Counter step, const std::string& name)
    : network(c, name),
      trained(tape, network.layout(), c, learning_rate(c) * c.discriminator_lr_ratio, total_steps, step, name, false) {}

Gan::Gan(Tape& tape, const Config& c, int total_steps, Counter step, int normal)
    : tape_(tape),
      config_(c),
      step_(step),
      network_(c),
      generator_(tape, network_.layout(), c, learning_rate(c), total_steps, step, "G"),
      losses_(tape.backend(), loss_names(c)) {
  if (remembers()) neighbours_.emplace(tape, normal, network_.latent_values(), c.neighbours);
  if (c.adversarial_normal_weight > 0) normal_.emplace(tape, c, total_steps, step, "N");
  if (c.adversarial_anomalous_weight > 0 && !c.normal_only) anomalous_.emplace(tape, c, total_steps, step, "AN");
}

Tensor Gan::judge(const TrainedCritic& critic, Tensor x, int groups) const {
  return critic.network(pass(critic.trained.weights(), groups), x);
}

void Gan::remember(const Bytes& normal) {
  std::vector<real> latents;
  for_each_batch(tape_, normal, [&](Tensor x) { append(network_.encode({generator_.average()}, x), latents); });
  neighbours_.value().remember(latents);
}

Scored Gan::score(Tensor x) const {
  return network_.score({.generator = generator_.average(),
                         .critic = normal_ ? &normal_->trained.weights() : nullptr,
                         .neighbours = neighbours_ ? &*neighbours_ : nullptr},
                        x);
}

Reconstruction Gan::reconstruct(Tensor x) const { return network_(pass(generator_.weights()), x); }

// Real and made images go through the critic in one pass, as two populations: half the passes over its weights.
void Gan::train_critic(TrainedCritic& critic, const char* name, Tensor x, Tensor y, double weight) {
  if (weight == 0) return;
  const Tensor loss = discriminator_loss(judge(critic, concat_images(x, y), 2));
  losses_.add(name, loss);
  critic.trained.minimize(loss, weight);
}

void Gan::train(const Batch& batch) {
  const Reconstruction y = reconstruct(batch.turned ? batch.turned : batch.x);
  const Tape::Mark after_generator = tape_.mark();
  if (batch.normal > 0 && normal_)
    train_critic(*normal_, "discriminator_normal", batch.of_normal(batch.x), batch.of_normal(y.image),
                 config_.discriminator_normal_weight);
  if (batch.anomalous > 0 && anomalous_)
    train_critic(*anomalous_, "discriminator_anomalous", batch.of_anomalous(batch.x), batch.of_anomalous(y.image),
                 config_.discriminator_anomalous_weight);
  losses_.flush();
  tape_.rewind(after_generator);
  if (const Tensor loss = generator_loss(batch, y)) generator_.minimize(loss);
  losses_.flush();
}

Tensor Gan::generator_loss(const Batch& batch, const Reconstruction& r) {
  std::vector<WeightedTerm> terms;
  const auto term = [&](const char* name, double weight, auto loss) {
    if (weight == 0) return;
    terms.push_back({loss(), weight});
    losses_.add(name, terms.back().value);
  };
  const Distance distance = distance_of(config_.distance);
  if (batch.normal > 0) {
    const Tensor x = batch.of_normal(batch.x), y = batch.of_normal(r.image), error = pixel_error(x, y, Distance::l1);
    term("reconstruction_normal", config_.reconstruction_weight,
         [&] { return mean(distance == Distance::l1 ? error : pixel_error(x, y, distance)); });
    term("patch_normal", config_.patch_weight, [&] {
      return patch_loss(error, {config_.patch_size, config_.patch_stride, config_.patch_largest});
    });
    // Both images go through the encoder with fixed statistics: as a batch of training the wide-ranging G(x) would move
    // them.
    term("latent_normal", config_.latent_weight, [&] {
      const Pass fixed{generator_.weights(), Statistics::fixed};
      return latent_loss(tape_.constant(network_.encode(fixed, x)), network_.encode(fixed, clamp(y, -1, 1)));
    });
    if (normal_)
      term("adversarial_normal", config_.adversarial_normal_weight,
           [&] { return adversarial_loss(judge(*normal_, y), 1); });
  }
  if (batch.anomalous > 0) {
    const Tensor x = batch.of_anomalous(batch.x), y = batch.of_anomalous(r.image),
                 image_error = image_mean(pixel_error(x, y, Distance::l1));
    losses_.add("reconstruction_anomalous", mean(distance == Distance::l1 ? image_error : pixel_error(x, y, distance)));
    term("abc_anomalous", config_.abc_weight, [&] { return abc_loss(image_error, config_.abc_scale); });
    if (anomalous_)
      term("adversarial_anomalous", config_.adversarial_anomalous_weight,
           [&] { return adversarial_loss(judge(*anomalous_, y), 0); });
  }
  if (terms.empty()) return {};
  const Tensor total = weighted_sum(terms);
  losses_.add("generator", total);
  return total;
}

void Gan::save_weights(Checkpoint& to) const {
  generator_.average().save(to);
  if (normal_) normal_->trained.weights().save(to);
  if (anomalous_) anomalous_->trained.weights().save(to);
  if (neighbours_) neighbours_->save(to);
}

void Gan::save(Checkpoint& to) const {
  generator_.save(to);
  if (normal_) normal_->trained.save(to);
  if (anomalous_) anomalous_->trained.save(to);
  losses_.save(to);
}

void Gan::load(const Checkpoint& from) {
  generator_.load(from);
  if (normal_) normal_->trained.load(from);
  if (anomalous_) anomalous_->trained.load(from);
  losses_.load(from);
}

}  // namespace snag
