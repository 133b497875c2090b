#pragma once
#include <csignal>
#include <string>
#include <vector>

#include "models/detector.h"

namespace snag {

// The command line of detect, parsed.
struct DetectOptions {
  std::string run, heat_maps, npy, on_bad_image = "fail";
  std::vector<std::string> inputs;
  DetectorOptions detector;
  float threshold = 0;
  double rate = 0;
  bool has_threshold = false, has_rate = false;
  bool json = false, csv = false, follow = false, fail = false, quiet = false;
};

// Scores the images, a line each on standard output, and draws what was asked for. `stop` becomes a signal's number
// when it should end early: lines that are out stay. Returns the exit code. Throws Error.
int detect_images(const DetectOptions&, const volatile std::sig_atomic_t& stop);

}  // namespace snag
