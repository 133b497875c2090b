#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/plot.h"

namespace snag {

// What a finished run left in its folder (models/run_folder.h), read back.
struct RunRecord {
  std::string folder;
  Json config, environment, summary;

  struct Losses {
    std::string name;          // as in metrics.csv
    std::vector<Point> curve;  // step, loss; rows without a value are absent
  };
  std::vector<Losses> losses;          // empty for models without training
  std::vector<Point> validation_area;  // epoch, AUROC

  // One of each per test image: 0 and 1 both stand in `anomaly`, no score is NaN.
  std::vector<float> score;
  std::vector<std::uint8_t> label, anomaly;

  struct Picture {
    std::string path;
    int epoch, step;  // step 0: of the epoch's end
  };
  std::vector<Picture> pictures;  // samples/*.png in the order of training

  // Test images to look at, and their tiles (models/cases.h); empty for runs that have none.
  struct Shown {
    std::string kind;
    int index;  // row of scores.csv
  };
  std::vector<Shown> cases;
  std::string cases_png;  // path
};

// scores.csv or validation.csv: one of each per image. The readers throw Error{Exit::io} where a file cannot be read,
// Error{Exit::data} that names file and line where it does not hold what a run writes.
struct ScoreTable {
  std::vector<float> score;                  // none is NaN
  std::vector<std::uint8_t> label, anomaly;  // anomaly 0 or 1
};
ScoreTable read_score_table(const std::string& path);
RunRecord read_run(const std::string& folder);

}  // namespace snag
