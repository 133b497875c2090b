#include "models/decision.h"

#include <algorithm>

#include "models/metrics.h"
#include "models/run_record.h"

namespace snag {

Decision::Decision(const std::string& folder) {
  const ScoreTable table = read_score_table(folder + "/validation.csv");
  for (std::size_t i = 0; i < table.score.size(); ++i)
    (table.anomaly[i] ? anomalous_ : normal_).push_back(table.score[i]);
  std::sort(normal_.begin(), normal_.end());
  std::sort(anomalous_.begin(), anomalous_.end());
}

float Decision::threshold_for(double rate) const { return threshold_at(normal_, rate); }

std::optional<double> Decision::confidence(float score, bool anomalous) const {
  const std::vector<float>& others = anomalous ? normal_ : anomalous_;
  if (others.empty()) return std::nullopt;
  const auto beyond = anomalous ? std::lower_bound(others.begin(), others.end(), score) - others.begin()
                                : others.end() - std::upper_bound(others.begin(), others.end(), score);
  return static_cast<double>(beyond) / static_cast<double>(others.size());
}

}  // namespace snag
