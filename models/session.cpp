#include "models/session.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iomanip>
#include <sstream>

#include "base/error.h"
#include "models/charts.h"
#include "models/metrics.h"
#include "models/run_folder.h"

namespace snag {
namespace {

std::string picture(int epoch, int step, bool epoch_ends) {
  std::ostringstream name;
  name << "epoch-" << std::setfill('0') << std::setw(3) << epoch;
  if (!epoch_ends) name << "-step-" << std::setw(6) << step;
  return name.str() + ".png";
}

}  // namespace

Session::Session(const Config& config, const std::string& folder, Trainer& trainer, const Experiment& experiment)
    : config_(config),
      folder_(folder),
      trainer_(trainer),
      experiment_(experiment),
      gallery_(gallery(experiment.validation, 8)) {
  Kept kept;
  if (config.resume && std::filesystem::exists(folder + "/state.safetensors")) kept = restore();
  metrics_.emplace(folder + "/metrics.csv", kept.metrics);
  events_.emplace(folder + "/" + event_file_name, kept.events);
  log_.emplace(folder + "/train.log");
  if (metrics_->size() == 0) metrics_->line(header());
}

bool Session::train(const volatile std::sig_atomic_t& stop) {
  Progress progress(ProgressOutput::standard(config_.quiet), config_.model, "images",
                    std::int64_t{trainer_.total_steps()} * config_.batch_size,
                    std::int64_t{trainer_.step()} * config_.batch_size);
  say(progress, trainer_.step() == 0 ? "training " + config_.model + ", run folder " + folder_
                                     : "resumed at step " + std::to_string(trainer_.step()));
  if (trainer_.step() == 0)
    for (const auto* lines : {&experiment_.account, &experiment_.warnings})
      for (const std::string& line : *lines) log_->line(line);
  started_ = Clock::now();
  while (trainer_.step() < trainer_.total_steps()) {
    if (stop) {
      pause();
      save();
      say(progress, "interrupted at step " + std::to_string(trainer_.step()) +
                        ": go on with train_gan --resume --out " + folder_);
      return false;
    }
    trainer_.run_step();
    progress.update(std::int64_t{trainer_.step()} * config_.batch_size);
    const bool epoch_ends = trainer_.step() % trainer_.steps_per_epoch() == 0;
    const int batch = (trainer_.step() - 1) % trainer_.steps_per_epoch() + 1;
    if (!epoch_ends && batch % config_.sample_every != 0) continue;
    pause();
    report(progress, epoch_ends);
    if (epoch_ends) save();
    started_ = Clock::now();
  }
  progress.finish();
  return true;
}

double Session::images_per_second() const { return trainer_.step() * double(config_.batch_size) / seconds_; }

void Session::pause() {
  trainer_.wait();  // steps may only have been queued
  seconds_ += std::chrono::duration<double>(Clock::now() - started_).count();
}

std::string Session::header() const {
  std::string text = "epoch,step,learning_rate,images_per_second";
  for (const std::string& name : trainer_.loss_names()) text += "," + name;
  return text + ",validation_auroc";
}

void Session::say(Progress& progress, const std::string& line) {
  progress.milestone(line);
  log_->line(line);
}

void Session::diverged(const std::string& what) const {
  throw Error(Exit::diverged, "training diverged: " + what + " is not finite at step " +
                                  std::to_string(trainer_.step()) + ": lower --lr; the last good state is kept in " +
                                  folder_);
}

std::vector<float> Session::validation_scores() {
  const std::vector<float> score = trainer_.judge(experiment_.validation.images, false).score;
  if (!std::all_of(score.begin(), score.end(), [](float v) { return std::isfinite(v); })) diverged("a score");
  return score;
}

// A row of metrics.csv, a line of the log, events, a picture; at an epoch's end what the validation scores say, too.
void Session::report(Progress& progress, bool epoch_ends) {
  const int step = trainer_.step(), epoch = (step - 1) / trainer_.steps_per_epoch() + 1;
  std::ostringstream row, line;
  row.precision(9);
  line.precision(4);
  row << epoch << ',' << step << ',' << trainer_.learning_rate() << ',' << images_per_second();
  line << "epoch " << epoch << '/' << config_.epochs << "  step " << step << '/' << trainer_.total_steps();
  const std::vector<std::optional<double>> losses = trainer_.take_losses();
  for (std::size_t i = 0; i < losses.size(); ++i) {
    row << ',';
    if (!losses[i]) continue;  // its kind of images had no turn
    const std::string& name = trainer_.loss_names()[i];
    if (!std::isfinite(*losses[i])) diverged("loss '" + name + "'");
    row << *losses[i];
    events_->scalar(chart_of_loss(name), step, *losses[i]);
    line << "  " << name << ' ' << *losses[i];
  }
  events_->scalar("learning_rate", step, trainer_.learning_rate());
  events_->scalar("images_per_second", step, images_per_second());
  row << ',';
  if (epoch_ends) {
    const std::vector<float> score = validation_scores();
    if (both_kinds(experiment_.validation.anomaly)) {
      const double area = auroc(score, experiment_.validation.anomaly);
      chart_scores(*events_, "Validation", step, score, experiment_.validation.anomaly);
      row << area;
      line << "  validation AUROC " << area;
    }
  }
  line << "  " << std::llround(images_per_second()) << " images/s  ETA "
       << format_duration((trainer_.total_steps() - step) * seconds_ / step);
  metrics_->line(row.str());
  say(progress, line.str());
  const std::vector<float> made = trainer_.judge(gallery_.images, true).reconstruction;
  if (made.empty()) return;
  const std::string path = folder_ + "/samples/" + picture(epoch, step, epoch_ends);
  write_samples(path, gallery_.images, gallery_.normal, made);
  if (epoch_ends) events_->image("samples", step, read_file(path));
}

void Session::save() {
  metrics_->sync();
  events_->sync();
  Checkpoint state = trainer_.state();
  state.metadata["metrics_bytes"] = std::to_string(metrics_->size());
  state.metadata["events_bytes"] = std::to_string(events_->size());
  state.metadata["milliseconds"] = std::to_string(std::llround(1000 * seconds_));
  write_safetensors(folder_ + "/weights.safetensors", trainer_.weights());
  write_safetensors(folder_ + "/state.safetensors", state);
}

Session::Kept Session::restore() {
  const std::string path = folder_ + "/state.safetensors";
  const Checkpoint state = read_safetensors(path);
  try {
    trainer_.resume(state);
    seconds_ = metadata_count(state, "milliseconds") / 1000.0;
    return {metadata_count(state, "metrics_bytes"), metadata_count(state, "events_bytes")};
  } catch (const Error& e) {
    throw Error(e.code(), path + ": " + e.what());
  }
}

}  // namespace snag
