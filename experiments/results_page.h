#pragma once
#include <span>
#include <string>

#include "experiments/outcomes.h"

namespace snag {

// Writes results.csv, results.md and results.html into the plan's folder: the same figures for programs, for people and
// with pictures. The page needs no other file, no network and no script. `command` made them. Throws Error{Exit::io},
// Error{Exit::data} where a run's files are not what a run writes.
void write_results(const Plan&, std::span<const PlannedRun>, const std::string& folder, const std::string& command);

// The figures of the page.
std::string interval_figures(const Results&);  // AUROC per class with intervals, one figure a variant
std::string roc_figures(const Results&);       // the mean ROC curve, and one figure a class
std::string heat_figures(const Results&);      // normal class x anomaly class
std::string epoch_figures(const Results&);     // loss and validation AUROC over epochs

}  // namespace snag
