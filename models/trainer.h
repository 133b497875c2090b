#pragma once
#include <memory>
#include <variant>
#include <vector>

#include "data/images.h"
#include "models/classifier.h"
#include "models/epoch.h"
#include "models/gan.h"
#include "models/judge.h"

namespace snag {

// What a detector learns from: square images, the `normal` first ones normal, the rest anomalous.
struct TrainingSet {
  Images images;
  int normal = 0;
  int anomalous() const { return images.count - normal; }
};

// Trains one detector on one backend: the data set resident as bytes, a step recorded once and replayed.
class Trainer {
 public:
  // Throws Error{Exit::usage} where half a batch is more than the set has of a kind, Error{Exit::device} without
  // memory.
  Trainer(Backend&, const Config&, const TrainingSet&);
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  int steps_per_epoch() const { return epochs_.steps(); }
  int total_steps() const { return epochs_.steps() * config_.epochs; }
  int step() const { return done_; }  // steps done
  double learning_rate() const { return schedule_.at(done_); }

  void run_step();
  int kernels_per_step() const { return steps_.front()->kernels(); }              // 0 where steps are not captured
  int longest_chain_per_step() const { return steps_.front()->longest_chain(); }  // likewise

  const std::vector<std::string>& loss_names() const;
  void wait() { tape_.backend().wait(); }  // for the steps that were queued
  std::vector<std::optional<double>> take_losses() { return losses().take(); }

  Verdict judge(const Images&, bool with_reconstruction);

  Checkpoint weights();
  // All that training goes on from, bit for bit.
  Checkpoint state() const;
  // Throws Error{Exit::checkpoint} where the state is of another model, width or data set.
  void resume(const Checkpoint&);

 private:
  LossLog& losses();
  void record(int normal, int anomalous);
  void upload_order();
  void remember();  // the normal images, for scores among neighbours

  Config config_;
  Tape tape_;
  Bytes images_, normal_;  // of normal images: the first ones
  Epochs epochs_;
  int done_ = 0;
  int remembered_ = -1;  // steps done when remember() last looked
  std::int32_t* order_ = nullptr;
  Counter drawn_, step_;  // batches drawn; the step that runs, from 0
  Schedule schedule_;
  std::variant<std::monostate, Gan, Classifier> detector_;
  std::vector<std::unique_ptr<Recording>> steps_;  // run in turn
};

}  // namespace snag
