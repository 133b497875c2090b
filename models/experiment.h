#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "models/config.h"
#include "models/trainer.h"

namespace snag {

// Images of config.size with what a detector must find out about them.
struct Labelled {
  Images images;
  std::vector<std::uint8_t> label, anomaly;  // class; 1 for anomalous
};

// The data of one run: what it learns from, what chooses its threshold, what judges it.
struct Experiment {
  TrainingSet training;
  Labelled validation, test;         // test: the whole test file, in its order
  std::vector<std::string> account;  // what was drawn, for the log
  std::string sum;                   // SHA-256 of all pixels and labels read
};

// Reads config.data and draws the task (data/one_vs_rest.h). Throws what read_split and one_vs_rest throw.
Experiment load_experiment(const Config&);

// A few images to look at while training: `each` normal ones first, then as many anomalous ones, of as many classes.
struct Gallery {
  Images images;
  int normal = 0;
};
Gallery gallery(const Labelled&, int each);

}  // namespace snag
