#include "models/run.h"

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "data/idx.h"
#include "models/charts.h"
#include "models/device.h"
#include "models/metrics.h"
#include "models/references.h"
#include "models/report.h"
#include "models/run_folder.h"
#include "models/session.h"

namespace snag {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

struct Scores {
  std::vector<float> validation, test;
};

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

nlohmann::ordered_json summarise(const Config& config, const Experiment& e, const Scores& s) {
  const BestF1 best = best_f1(s.validation, e.validation.anomaly);
  nlohmann::ordered_json json{{"model", config.model},
                              {"normal_class", config.normal_class},
                              {"seed", config.seed},
                              {"auroc", auroc(s.test, e.test.anomaly)},
                              {"average_precision", average_precision(s.test, e.test.anomaly)},
                              {"best_f1", f1_at(s.test, e.test.anomaly, best.threshold)},
                              {"threshold", best.threshold},
                              {"balanced_accuracy", balanced_accuracy(s.test, e.test.anomaly, best.threshold)},
                              {"validation_auroc", auroc(s.validation, e.validation.anomaly)},
                              {"validation_best_f1", best.f1}};
  auto& per_class = json["auroc_per_class"] = nlohmann::ordered_json::object();
  for (const auto& [label, area] : auroc_per_class(s.test, e.test.label, config.normal_class))
    per_class[std::to_string(label)] = area;
  if (!config.hold_out.empty()) json["hold_out"] = config.hold_out;
  json["train_normal"] = e.training.normal;
  json["train_anomalous"] = e.training.anomalous();
  return json;
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

  if (!reference.tensors.empty()) write_safetensors(folder + "/weights.safetensors", reference);

  nlohmann::ordered_json training = nlohmann::ordered_json::object();
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
    chart_scores(session.events(), "Test", trainer->step(), scores.test, experiment.test.anomaly);
  } else {
    EventFile events(folder + "/" + event_file_name, 0);
    chart_scores(events, "Test", 0, scores.test, experiment.test.anomaly);
  }

  nlohmann::ordered_json summary = summarise(config, experiment, scores);
  summary.update(training);
  summary["seconds"] = seconds_since(began);
  summary["peak_tensor_bytes"] = backend->peak();
  write_scores(folder, experiment.test.label, experiment.test.anomaly, scores.test);
  write_file(folder + "/summary.json", summary.dump(2) + "\n");
  write_report(folder);
  if (!config.quiet)
    std::printf("%s\nAUROC %.4f  average precision %.4f  balanced accuracy %.4f  (test file, %d images)\n",
                folder.c_str(), summary["auroc"].get<double>(), summary["average_precision"].get<double>(),
                summary["balanced_accuracy"].get<double>(), experiment.test.images.count);
  return 0;
}

}  // namespace snag
