#include "models/run.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "data/idx.h"
#include "models/cases.h"
#include "models/charts.h"
#include "models/device.h"
#include "models/metrics.h"
#include "models/references.h"
#include "models/report.h"
#include "models/run_folder.h"
#include "models/session.h"
#include "models/summary.h"

namespace snag {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

// Scores, and what a later run of the model needs to score other images.
Scores reference_scores(const Config& config, Backend& backend, const Experiment& e, Checkpoint& kept) {
  const auto by = [&](const auto& model) {
    model.save(kept);
    kept.metadata["model"] = config.model;
    return Scores{model.score(e.validation.images), model.score(e.test.images)};
  };
  if (config.model == "knn") return by(Knn(backend, e.training, config.neighbours));
  if (config.model == "pca") return by(Pca(backend, e.training, config.components));
  return {random_scores(e.validation.images.count, config.seed, 0), random_scores(e.test.images.count, config.seed, 1)};
}

// Where masks say what is wrong with the test images: the error of each pixel that a reconstruction has. A few images
// at a time, as reconstructions take more memory than scores.
std::vector<float> pixel_error(Trainer& trainer, const Experiment& e) {
  std::vector<float> error;
  if (e.test_masks.count == 0) return error;
  for (int begin = 0; begin < e.test.images.count; begin += kScoringBatch) {
    std::vector<int> some;
    for (int i = begin; i < std::min(begin + kScoringBatch, e.test.images.count); ++i) some.push_back(i);
    const Images images = pick(e.test.images, some);
    const std::vector<float> made = trainer.judge(images, true).reconstruction;
    if (made.empty()) return {};
    const std::vector<float> map = error_map(images.pixels, made, images.channels);
    error.insert(error.end(), map.begin(), map.end());
  }
  return error;
}

void warn(const Config& config, const std::string& what) {
  if (!config.quiet) std::fprintf(stderr, "train_gan: warning: %s\n", what.c_str());
}

}  // namespace

int run(const Config& asked, const volatile std::sig_atomic_t& stop) {
  Config config = asked;
  if (config.data.empty()) config.data = default_data_dir().string();
  check(config);
  const auto began = Clock::now();
  const std::string folder = choose_folder(config);
  check_folder(folder, config.resume, config.overwrite);
  if (config.resume && finished(folder)) {
    if (!config.quiet) std::printf("%s is finished: nothing to resume\n", folder.c_str());
    return 0;
  }
  const Experiment experiment = load_experiment(config);
  config.channels = experiment.training.images.channels;
  for (const std::string& warning : experiment.warnings) warn(config, warning);
  const std::unique_ptr<Backend> backend = make_backend(config, experiment);
  std::optional<Trainer> trainer;
  if (trains(config.model)) trainer.emplace(*backend, config, experiment.training);

  // What cannot work is refused before the folder is touched.
  Scores scores;
  Checkpoint reference;
  if (!trainer) scores = reference_scores(config, *backend, experiment, reference);
  prepare_folder(folder, config.resume);
  if (!config.resume) write_file(folder + "/config.json", config_text(config));
  write_environment(folder, config, *backend, experiment.sum);
  write_lists(folder, experiment);
  if (!reference.tensors.empty()) write_safetensors(folder + "/weights.safetensors", reference);

  nlohmann::ordered_json training = nlohmann::ordered_json::object();
  std::vector<float> error;
  if (trainer) {
    Session session(config, folder, *trainer, experiment);
    if (!session.train(stop)) return 128 + stop;
    scores.validation = trainer->judge(experiment.validation.images, false).score;
    const auto scoring = Clock::now();
    scores.test = trainer->judge(experiment.test.images, false).score;
    training = {{"epochs", config.epochs},
                {"steps", trainer->step()},
                {"images_per_second", session.images_per_second()},
                {"scored_per_second", experiment.test.images.count / seconds_since(scoring)},
                {"train_seconds", session.seconds()}};
    if (const int kernels = trainer->kernels_per_step(); kernels > 0) {
      training["kernels_per_step"] = kernels;
      training["longest_chain_per_step"] = trainer->longest_chain_per_step();
    }
    error = pixel_error(*trainer, experiment);
    if (both_kinds(experiment.test.anomaly))
      chart_scores(session.events(), "Test", trainer->step(), scores.test, experiment.test.anomaly);
  } else {
    EventFile events(folder + "/" + event_file_name, 0);
    if (both_kinds(experiment.test.anomaly)) chart_scores(events, "Test", 0, scores.test, experiment.test.anomaly);
  }

  nlohmann::ordered_json summary = summarise(config, experiment, scores, error);
  summary.update(training);
  summary["seconds"] = seconds_since(began);
  summary["peak_tensor_bytes"] = backend->peak();
  write_scores(folder + "/scores.csv", experiment.test, scores.test);
  write_scores(folder + "/validation.csv", experiment.validation, scores.validation);
  write_file(folder + "/summary.json", summary.dump(2) + "\n");
  if (!summary.contains("auroc")) {
    warn(config, "the test has no anomalous images, or no normal ones: nothing is measured, and there is no report");
    if (!config.quiet) std::printf("%s\n", folder.c_str());
    return 0;
  }
  write_cases(folder, experiment.test, scores.test, summary["threshold"].get<float>(), [&](const Images& images) {
    return trainer ? trainer->judge(images, true).reconstruction : std::vector<float>();
  });
  write_report(folder);
  if (!config.quiet)
    std::printf("%s\nAUROC %.4f  average precision %.4f  balanced accuracy %.4f  (test, %d images)\n", folder.c_str(),
                summary["auroc"].get<double>(), summary["average_precision"].get<double>(),
                summary["balanced_accuracy"].get<double>(), experiment.test.images.count);
  return 0;
}

}  // namespace snag
