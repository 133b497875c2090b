#pragma once
#include "base/event_file.h"

namespace snag {

// What TensorBoard shows of a run, in the file events.out.tfevents of its folder (models/run_folder.h).
inline constexpr const char* event_file_name = "events.out.tfevents";

// The tag of a loss of metrics.csv; four have the names that the students' logs gave them.
std::string chart_of_loss(const std::string& name);

// AUROC, precision-recall curve and histograms of the scores of one part of the data: "Validation" or "Test".
void chart_scores(EventFile&, const std::string& part, std::int64_t step, std::span<const float> score,
                  std::span<const std::uint8_t> anomaly);

}  // namespace snag
