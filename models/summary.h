#pragma once
#include <nlohmann/json.hpp>
#include <vector>

#include "models/experiment.h"

namespace snag {

struct Scores {
  std::vector<float> validation, test;
};

// summary.json: the threshold, and how well the scores do. The threshold is the best of the validation scores by F1;
// without anomalies there, the one that reports 5 % of the normal ones ("threshold_rule" says which).
// "balanced_threshold" is the best of the validation scores by balanced accuracy, "best_balanced_accuracy" that of the
// test file there. What needs both kinds of images is absent where one is missing. pixel_error: of the test images,
// [count, size, size], where there are masks to hold it against; else empty.
nlohmann::ordered_json summarise(const Config&, const Experiment&, const Scores&,
                                 const std::vector<float>& pixel_error);

}  // namespace snag
