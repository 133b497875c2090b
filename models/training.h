#pragma once
#include <optional>
#include <string>
#include <vector>

#include "engine/adam.h"
#include "models/config.h"

namespace snag {

// One step's images: `normal` of them first, then `anomalous`.
struct Batch {
  Tensor x;  // [normal + anomalous, channels, side, side] in [-1, 1]
  int normal, anomalous;
  Tensor turned = {};  // restore: x turned by 0 to 3 quarters, image by image
  Tensor of_normal(Tensor t) const { return slice_images(t, 0, normal); }
  Tensor of_anomalous(Tensor t) const { return slice_images(t, normal, anomalous); }
};

// Losses summed on the device over steps, read by the host now and then.
class LossLog {
 public:
  LossLog(Backend&, std::vector<std::string> names);
  const std::vector<std::string>& names() const { return names_; }
  // Takes note of a loss of this step; its memory must stay until flush(), which adds all that were noted.
  void add(const std::string& name, Tensor scalar);
  void flush();
  // Mean of each loss over the steps that computed it since the last call; none where no step did.
  std::vector<std::optional<double>> take();
  void save(Checkpoint&) const;
  void load(const Checkpoint&);

 private:
  Backend& backend_;
  std::vector<std::string> names_;
  View total_, count_;
  Entries noted_;
};

// A network's weights, their moving average where that is what scores, and the optimiser.
class Trained {
 public:
  Trained(Tape&, const Layout&, const Config&, double learning_rate, int total_steps, Counter step, std::string name,
          bool averaged = true);
  Trained(const Trained&) = delete;
  Trained& operator=(const Trained&) = delete;

  const Weights& weights() const { return weights_; }
  const Weights& average() const { return average_.value(); }
  // One update of weights, then of their average, that makes weight * loss smaller.
  void minimize(Tensor loss, double weight = 1) { optimizer_.minimize(loss, weight); }

  void save(Checkpoint&) const;
  void load(const Checkpoint&);

 private:
  Weights weights_;
  std::optional<Weights> average_;
  AdamOptimizer optimizer_;
};

}  // namespace snag
