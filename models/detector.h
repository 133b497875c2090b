#pragma once
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "models/judge.h"
#include "models/references.h"
#include "models/saved_scorer.h"

namespace snag {

struct DetectorOptions {
  std::string device = "auto";  // auto, cpu or cuda
  int threads = 0;              // CPU threads; 0: all cores. Scores do not depend on it
  double memory = 0;            // GiB that tensors may take; 0: as much as it takes
};

// What scoring takes from a finished run: its config.json, the threshold of its summary.json, its weights.safetensors.
struct SavedDetector {
  Config config;
  float threshold;
  Checkpoint weights;
};
// Throws Error{Exit::usage} where the folder holds no finished run, or one of the model random, whose numbers say
// nothing of other images; Error{Exit::checkpoint} for weights that are damaged or of another model; what the readers
// of its files throw.
SavedDetector read_detector(const std::string& folder);

// A finished run, opened to score images: its config.json, its weights.safetensors and the threshold of its
// summary.json. A score equals that of the run's scores.csv bit for bit on the same machine.
class Detector {
 public:
  // Throws what read_detector and make_backend throw; Error{Exit::checkpoint} for weights of another width.
  static Detector open(const std::string& folder, const DetectorOptions& = {});

  const Config& config() const { return config_; }
  float threshold() const { return threshold_; }  // an image with score >= threshold is anomalous
  bool reconstructs() const;                      // false for cnn, knn and pca, whose Verdict holds scores alone
  std::string device() const { return backend_->name(); }

  struct Result {
    std::vector<float> score;           // [n]
    std::vector<float> reconstruction;  // [n, h, w, c] in about [-1, 1]; empty unless asked for and reconstructs()
    std::vector<float> error;           // [n, h, w] |image - reconstruction|, mean over channels; 2: black to white
  };
  // Any number of images of config().size a side and image_channels(config()). Throws
  // Error{Exit::data} for another size.
  Result score(const Images&, bool with_reconstruction = false);

 private:
  struct Network {  // on the heap: tensors point to the tape
    Network(Backend&, const Config&, const Checkpoint&);
    Tape tape;
    SavedScorer scorer;
  };
  Detector(Config, float threshold, const Checkpoint&, std::unique_ptr<Backend>);

  Config config_;
  float threshold_;
  std::unique_ptr<Backend> backend_;
  std::variant<std::unique_ptr<Network>, Knn, Pca> model_;
};

}  // namespace snag
