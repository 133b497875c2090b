#include "models/summary.h"

#include <algorithm>

#include "models/metrics.h"

namespace snag {
namespace {

constexpr double kReported = 0.05;  // share of normal validation images, where nothing else sets the threshold

void add_areas(nlohmann::ordered_json& json, const Config& config, const Experiment& e, const Scores& s) {
  auto& per_class = json["auroc_per_class"] = nlohmann::ordered_json::object();
  for (const auto& [label, area] : auroc_per_class(s.test, e.test.label, config.normal_class))
    per_class[std::to_string(label)] = area;
}

}  // namespace

nlohmann::ordered_json summarise(const Config& config, const Experiment& e, const Scores& s,
                                 const std::vector<float>& pixel_error) {
  const bool chosen = both_kinds(e.validation.anomaly), measured = both_kinds(e.test.anomaly);
  const float threshold =
      chosen ? best_f1(s.validation, e.validation.anomaly).threshold : threshold_at(s.validation, kReported);
  nlohmann::ordered_json json{{"model", config.model}, {"normal_class", config.normal_class}, {"seed", config.seed}};
  if (measured) {
    json["auroc"] = auroc(s.test, e.test.anomaly);
    json["average_precision"] = average_precision(s.test, e.test.anomaly);
    json["best_f1"] = f1_at(s.test, e.test.anomaly, threshold);
  }
  json["threshold"] = threshold;
  json["threshold_rule"] = chosen ? "best F1 on validation" : "5 % of normal validation images reported";
  if (measured) json["balanced_accuracy"] = balanced_accuracy(s.test, e.test.anomaly, threshold);
  if (chosen) {
    const float balanced = best_balanced_accuracy(s.validation, e.validation.anomaly).threshold;
    json["balanced_threshold"] = balanced;
    if (measured) json["best_balanced_accuracy"] = balanced_accuracy(s.test, e.test.anomaly, balanced);
    json["validation_auroc"] = auroc(s.validation, e.validation.anomaly);
    json["validation_best_f1"] = best_f1(s.validation, e.validation.anomaly).f1;
  }
  if (!pixel_error.empty()) {
    std::vector<std::uint8_t> wrong(e.test_masks.pixels.size());
    std::transform(e.test_masks.pixels.begin(), e.test_masks.pixels.end(), wrong.begin(),
                   [](std::uint8_t p) { return p > 0 ? 1 : 0; });
    json["pixel_auroc"] = auroc(pixel_error, wrong);
  }
  if (measured) add_areas(json, config, e, s);
  if (!e.class_names.empty()) json["class_names"] = e.class_names;
  if (!config.hold_out.empty()) json["hold_out"] = config.hold_out;
  json["train_normal"] = e.training.normal;
  json["train_anomalous"] = e.training.anomalous();
  return json;
}

}  // namespace snag
