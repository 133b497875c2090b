#pragma once
#include <chrono>
#include <csignal>
#include <optional>
#include <string>

#include "base/event_file.h"
#include "base/file.h"
#include "base/progress.h"
#include "models/experiment.h"
#include "models/trainer.h"

namespace snag {

// The training of one run, as people see it: progress, metrics.csv, train.log, pictures, TensorBoard's events, saved
// states.
class Session {
 public:
  // With config.resume, goes on from the folder's state.safetensors, if there is one.
  Session(const Config&, const std::string& folder, Trainer&, const Experiment&);

  // Trains to the end, or until `stop` is not 0; true at the end. The state is saved at each epoch's end and at a stop.
  // Throws Error{Exit::diverged} when a loss is not finite: the state of the last epoch stays.
  bool train(const volatile std::sig_atomic_t& stop);

  double seconds() const { return seconds_; }  // of training alone, over all sessions of the run
  double images_per_second() const;
  EventFile& events() { return *events_; }

 private:
  using Clock = std::chrono::steady_clock;
  void pause();
  std::string header() const;
  void say(Progress&, const std::string& line);
  void report(Progress&, bool epoch_ends);
  std::vector<float> validation_scores();
  [[noreturn]] void diverged(const std::string& what) const;
  void save();
  // How many bytes of the growing files belong to the state.
  struct Kept {
    std::int64_t metrics = 0, events = 0;
  };
  Kept restore();

  const Config& config_;
  const std::string& folder_;
  Trainer& trainer_;
  const Experiment& experiment_;
  Gallery gallery_;
  std::optional<AppendFile> metrics_, log_;
  std::optional<EventFile> events_;
  double seconds_ = 0;
  Clock::time_point started_;
};

}  // namespace snag
