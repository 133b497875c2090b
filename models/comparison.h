#pragma once
#include <string>
#include <vector>

namespace snag {

// Writes one page that sets finished runs side by side: settings that differ, figures with their 95 % intervals
// (models/confidence.h), ROC and precision-recall curves, validation AUROC over epochs, AUROC of each anomaly class.
// Needs no other file and no network. Throws Error{Exit::usage} for fewer than 2 or more than 10 folders; what read_run
// (models/run_record.h) throws.
void write_comparison(const std::vector<std::string>& folders, const std::string& path);

}  // namespace snag
