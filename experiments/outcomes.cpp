#include "experiments/outcomes.h"

#include <algorithm>
#include <iomanip>
#include <set>
#include <sstream>

#include "base/file.h"
#include "base/json.h"
#include "base/markup.h"
#include "experiments/runner.h"
#include "models/run_folder.h"

namespace snag {
namespace {

std::optional<Estimate> estimate_of(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  return estimate(values);
}

}  // namespace

std::vector<Outcome> read_outcomes(std::span<const PlannedRun> runs, const std::string& plan_folder) {
  std::vector<Outcome> outcomes;
  for (const PlannedRun& run : runs) {
    const std::string folder = run_folder(plan_folder, run);
    if (!finished(folder)) continue;
    const std::string path = folder + "/summary.json";
    const Json summary = parse_json(read_file(path), path, Exit::data);
    const auto share = [&](const char* key) { return get_real(summary, key, 0, 1); };
    Outcome outcome{run.variant,
                    run.normal_class,
                    run.seed,
                    share("auroc"),
                    share("average_precision"),
                    share("best_f1"),
                    share("best_balanced_accuracy"),
                    share("validation_auroc"),
                    get_real(summary, "seconds", 0, 1e12),
                    {},
                    folder};
    const Json areas = get_object(summary, "auroc_per_class");
    for (int label = 0; label < class_count; ++label)
      if (has(areas, std::to_string(label))) outcome.auroc_vs[label] = get_real(areas, std::to_string(label), 0, 1);
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

std::string results_csv(const Plan& plan, std::span<const Outcome> outcomes) {
  std::ostringstream csv;
  csv << std::setprecision(9) << "model,class,seed,auroc,average_precision,best_f1,balanced_accuracy";
  for (int label = 0; label < class_count; ++label) csv << ",auroc_vs_" << label;
  csv << ",seconds,config\n";
  for (const Outcome& o : outcomes) {
    const Config& config = plan.variants[o.variant].config;
    csv << config.model << ',' << o.normal_class << ',' << o.seed << ',' << o.auroc << ',' << o.average_precision << ','
        << o.best_f1 << ',' << o.balanced_accuracy;
    for (int label = 0; label < class_count; ++label) {
      csv << ',';
      if (o.auroc_vs.contains(label)) csv << o.auroc_vs.at(label);
    }
    csv << ',' << o.seconds << ",\"" << changed_settings(config) << "\"\n";
  }
  return csv.str();
}

std::optional<Estimate> Results::of_class(std::size_t variant, int normal_class, Measure measure) const {
  std::vector<double> values;
  for (const Outcome& o : outcomes_)
    if (o.variant == variant && o.normal_class == normal_class) values.push_back(o.*measure);
  return estimate_of(values);
}

std::optional<Estimate> Results::of_all_classes(std::size_t variant, Measure measure) const {
  const std::vector<int>& held = plan_.variants[variant].config.hold_out;
  const auto wanted = std::count_if(plan_.classes.begin(), plan_.classes.end(), [&](int label) {
    return std::find(held.begin(), held.end(), label) == held.end();
  });
  std::map<std::uint64_t, std::vector<double>> by_seed;
  for (const Outcome& o : outcomes_)
    if (o.variant == variant) by_seed[o.seed].push_back(o.*measure);
  std::vector<double> means;
  for (const auto& [seed, values] : by_seed)
    if (static_cast<std::ptrdiff_t>(values.size()) == wanted) means.push_back(estimate(values).mean);
  return estimate_of(means);
}

std::optional<Estimate> Results::of_pair(std::size_t variant, int normal_class, int anomaly_class) const {
  std::vector<double> values;
  for (const Outcome& o : outcomes_)
    if (o.variant == variant && o.normal_class == normal_class && o.auroc_vs.contains(anomaly_class))
      values.push_back(o.auroc_vs.at(anomaly_class));
  return estimate_of(values);
}

bool Results::holds_out() const {
  return std::any_of(plan_.variants.begin(), plan_.variants.end(),
                     [](const Variant& v) { return !v.config.hold_out.empty(); });
}

std::string shown(const std::optional<Estimate>& e, int places) {
  if (!e) return "–";
  return decimal(e->mean, places) + (e->half ? " ± " + decimal(*e->half, places) : "");
}

}  // namespace snag
