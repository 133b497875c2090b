#include "models/trainer.h"

#include <algorithm>

#include "base/error.h"

namespace snag {
namespace {

// Calls f on the detector that is there.
template <class Variant, class F>
decltype(auto) with_detector(Variant& detector, F f) {
  if (auto* gan = std::get_if<Gan>(&detector)) return f(*gan);
  return f(std::get<Classifier>(detector));
}

}  // namespace

Trainer::Trainer(Backend& backend, const Config& config, const TrainingSet& set)
    : config_(config),
      tape_(backend),
      epochs_(set.normal, config.normal_only ? 0 : set.anomalous(), config.batch_size, config.seed) {
  if (double(epochs_.steps()) * config.epochs > 2e9)
    throw Error(Exit::usage, "--epochs " + std::to_string(config.epochs) + " is more than 2,000,000,000 steps");
  config_.size = set.images.height;
  config_.channels = set.images.channels;
  images_ = normal_ = upload_images(backend, set.images);
  normal_.count = set.normal;
  order_ = upload_indices(backend, epochs_.order(0));
  drawn_ = make_counter(backend);
  step_ = make_counter(backend, -1);
  schedule_ = {snag::learning_rate(config), config.warmup, total_steps(), config.schedule == "cosine"};
  if (config.model == "cnn")
    detector_.emplace<Classifier>(tape_, config_, total_steps(), step_);
  else
    detector_.emplace<Gan>(tape_, config_, total_steps(), step_, set.normal);

  if (epochs_.kinds_take_turns()) {
    record(1, 0);
    record(0, 1);
  } else {
    record(epochs_.normal_slots(), epochs_.anomalous_slots());
  }
}

LossLog& Trainer::losses() {
  return with_detector(detector_, [](auto& d) -> LossLog& { return d.losses(); });
}

const std::vector<std::string>& Trainer::loss_names() const {
  return with_detector(detector_, [](const auto& d) -> const std::vector<std::string>& { return d.losses().names(); });
}

void Trainer::record(int normal, int anomalous) {
  steps_.push_back(tape_.backend().record([this, normal, anomalous] {
    const Tape::Mark start = tape_.mark();
    Batch batch{tape_.leaf({normal + anomalous, images_.channels, images_.side, images_.side}), normal, anomalous};
    GatherBatch gather{.x = batch.x.view,
                       .images = images_,
                       .order = order_,
                       .step = drawn_,
                       .steps = epochs_.steps(),
                       .stride = config_.batch_size,
                       .first = 0,
                       .augment = augmentation(config_),
                       .seed = config_.seed};
    tape_.backend().run(gather);
    if (config_.model == "restore") {  // the same images in the same pose, but for the turn
      batch.turned = tape_.leaf(batch.x.shape());
      gather.x = batch.turned.view;
      gather.augment.rotate = true;
      tape_.backend().run(gather);
    }
    tape_.backend().run(Advance{.counter = drawn_});
    tape_.backend().run(Advance{.counter = step_});
    with_detector(detector_, [&](auto& d) { d.train(batch); });
    tape_.rewind(start);
  }));
}

void Trainer::upload_order() {
  const std::vector<std::int32_t> order = epochs_.order(done_ / epochs_.steps());
  tape_.backend().upload(order_, order.data(), sizeof(std::int32_t) * order.size());
}

void Trainer::run_step() {
  if (done_ % epochs_.steps() == 0) upload_order();
  steps_[static_cast<std::size_t>(done_) % steps_.size()]->run();
  ++done_;
}

void Trainer::remember() {
  auto* gan = std::get_if<Gan>(&detector_);
  if (!gan || !gan->remembers() || remembered_ == done_) return;
  gan->remember(normal_);
  remembered_ = done_;
}

Verdict Trainer::judge(const Images& images, bool with_reconstruction) {
  remember();
  return snag::judge(tape_, images, with_reconstruction,
                     [&](Tensor x) { return with_detector(detector_, [&](const auto& d) { return d.score(x); }); });
}

Checkpoint Trainer::weights() {
  remember();
  Checkpoint c;
  with_detector(detector_, [&](const auto& d) { d.save_weights(c); });
  c.metadata["model"] = config_.model;
  c.metadata["width"] = std::to_string(config_.width);
  return c;
}

Checkpoint Trainer::state() const {
  Checkpoint c;
  with_detector(detector_, [&](const auto& d) { d.save(c); });
  c.metadata["model"] = config_.model;
  c.metadata["step"] = std::to_string(done_);
  c.metadata["steps_per_epoch"] = std::to_string(epochs_.steps());
  return c;
}

void Trainer::resume(const Checkpoint& c) {
  const auto model = c.metadata.find("model");
  if (model == c.metadata.end() || model->second != config_.model)
    throw Error(Exit::checkpoint,
                "the state to resume is not of model " + config_.model + ": it is corrupt or of another run");
  const std::int32_t step = metadata_count(c, "step");
  if (metadata_count(c, "steps_per_epoch") != epochs_.steps() || step > total_steps())
    throw Error(Exit::checkpoint,
                "the state to resume has other epochs than this run: it is of another data set or configuration");
  with_detector(detector_, [&](auto& d) { d.load(c); });
  done_ = step;
  remembered_ = -1;
  write(tape_.backend(), drawn_, step);
  write(tape_.backend(), step_, step - 1);
  upload_order();
}

}  // namespace snag
