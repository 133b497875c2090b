#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/plan.h"
#include "experiments/statistics.h"

namespace snag {

// What one finished run measured on the whole test file, from its summary.json. F1 and balanced accuracy each at the
// threshold that is best by it on the validation part.
struct Outcome {
  std::size_t variant;
  int normal_class;
  std::uint64_t seed;
  double auroc, average_precision, best_f1, balanced_accuracy, validation_auroc, seconds;
  std::map<int, double> auroc_vs;  // anomaly class: AUROC against the normal images
  std::string folder;
};

// The finished runs of a plan, in its order. Throws Error{Exit::data} or Error{Exit::io} where a summary is not what a
// run writes.
std::vector<Outcome> read_outcomes(std::span<const PlannedRun>, const std::string& plan_folder);

// model,class,seed,auroc,average_precision,best_f1,balanced_accuracy,auroc_vs_0 ... auroc_vs_9,seconds,config; `config`
// is changed_settings(). A class that was normal has an empty cell.
std::string results_csv(const Plan&, std::span<const Outcome>);

// The results of a plan, as its tables and pictures look at them.
class Results {
 public:
  Results(const Plan& plan, std::vector<Outcome> outcomes) : plan_(plan), outcomes_(std::move(outcomes)) {}
  const Plan& plan() const { return plan_; }
  const std::vector<Outcome>& outcomes() const { return outcomes_; }

  using Measure = double Outcome::*;
  // Over the seeds of one class; none where no run is finished.
  std::optional<Estimate> of_class(std::size_t variant, int normal_class, Measure) const;
  // Over seeds, of the mean over the plan's classes (but those that the variant holds out); seeds that lack a class do
  // not count.
  std::optional<Estimate> of_all_classes(std::size_t variant, Measure) const;
  // Over seeds, of the AUROC of one anomaly class against a normal one.
  std::optional<Estimate> of_pair(std::size_t variant, int normal_class, int anomaly_class) const;

  // Whether any variant keeps a class out of training.
  bool holds_out() const;

 private:
  const Plan& plan_;
  std::vector<Outcome> outcomes_;
};

// "0.9852 ± 0.0011", the interval only where there is one; "–" for none.
std::string shown(const std::optional<Estimate>&, int places = 4);

}  // namespace snag
