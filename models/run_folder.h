#pragma once
#include <string>
#include <vector>

#include "models/config.h"
#include "models/experiment.h"

namespace snag {

// The folder of one run:
//   config.json environment.json metrics.csv train.log weights.safetensors state.safetensors samples/ scores.csv
//   validation.csv summary.json report.html events.out.tfevents cases.csv cases.png; of image folders also
//   test_files.txt bad_images.txt
// A run is finished when summary.json stands there; it is written last.

// config.out, or runs/MODEL-cCLASS-sSEED, with -2, -3, ... if taken.
std::string choose_folder(const Config&);

// Throws Error{Exit::usage} where the folder holds a run (finished or not) and neither --resume nor --overwrite was
// said, or, with --resume, where it holds none; Error{Exit::io} where something else is in the way.
void check_folder(const std::string& folder, bool resume, bool overwrite);
// Makes the folder, empty of an earlier run unless `resume`. Throws Error{Exit::io}.
void prepare_folder(const std::string& folder, bool resume);
bool finished(const std::string& folder);

// What the run ran on: versions, compiler, device, host, the data files' sums.
void write_environment(const std::string& folder, const Config&, const Backend&, const std::string& data_sum);

// The pictures of samples/: columns are images (normal, then anomalous), rows input, reconstruction, |error|.
void write_samples(const std::string& path, const Images&, int normal, const std::vector<float>& reconstruction);

// Of image folders: test_files.txt, the test images' paths in the order of scores.csv; bad_images.txt, what was left
// out and why. A line each; no file where there is nothing to list.
void write_lists(const std::string& folder, const Experiment&);

// index,label,anomaly,score for each image.
void write_scores(const std::string& path, const Labelled&, const std::vector<float>& score);

}  // namespace snag
