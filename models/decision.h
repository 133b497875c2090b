#pragma once
#include <optional>
#include <string>
#include <vector>

namespace snag {

// What the validation images of a run say about a score: they are of the data that the detector was made for, and no
// network learned from them.
class Decision {
 public:
  // Reads validation.csv of the run's folder. Throws as read_score_table does.
  explicit Decision(const std::string& folder);

  // The lowest threshold that reports at most `rate` of the normal validation images (models/metrics.h).
  float threshold_for(double rate) const;
  int normal_images() const { return static_cast<int>(normal_.size()); }

  // How sure a decision is, 0 .. 1: the share of the validation images of the other kind that lie beyond this one. For
  // an image that is reported as anomalous, the normal ones with a lower score; for one that is not, the anomalous ones
  // with a higher score, and nothing where validation had none.
  std::optional<double> confidence(float score, bool anomalous) const;

 private:
  std::vector<float> normal_, anomalous_;  // ascending
};

}  // namespace snag
