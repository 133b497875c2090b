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

  // Of image folders alone; otherwise empty.
  std::vector<std::string> class_names = {};  // by label
  std::vector<std::string> test_files = {};   // paths of the test images
  Images test_masks = {};                     // of the test images: not 0 where something is wrong
  std::string bad_images = {};                // files that were left out, a line each
  std::vector<std::string> warnings = {};
};

// Reads config.data. IDX files: the task of data/one_vs_rest.h. Image folders (data/image_folder.h): the split of
// data/folder_split.h. Throws what these and their readers throw; Error{Exit::data} where an image is bad and
// config.on_bad_image is "fail", or where a model that learns from anomalies finds none; Error{Exit::usage} for
// settings that go with the other kind of data.
Experiment load_experiment(const Config&);
Experiment load_folder_experiment(const Config&);

Images pick(const Images& from, const std::vector<int>& indices);

// A few images to look at while training: `each` normal ones first, then as many anomalous ones, of as many classes.
struct Gallery {
  Images images;
  int normal = 0;
};
Gallery gallery(const Labelled&, int each);

}  // namespace snag
