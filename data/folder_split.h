#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "data/image_folder.h"

namespace snag {

struct SplitOptions {
  static constexpr int balanced = -1;
  double test = 0.25;              // share of each class that tests, where the folder has no test/
  double validation = 0.05;        // share of each class's other images kept for the threshold
  int train_normal = 0;            // images; 0: all that are left
  int train_anomalous = balanced;  // images; 0: all that are left, balanced: as many as normal ones, at most all
  bool by_cluster = true;          // draw anomalies by k-means clusters, else at random
  int clusters = 10;
  std::uint64_t seed = 0;
  int threads = 1;
};

struct FolderSplit {
  std::vector<int> train_normal, train_anomalous, validation, test;  // indices of images, ascending; none is in two
  std::vector<std::string> account;                                  // what was drawn, a line for each class
};

// Who trains, who chooses the threshold, who tests. Of each class by a seeded permutation of its images: first those
// that test (where no folder says which), then those for validation, the rest trains. Each share is rounded, but at
// least one image; test comes before validation, validation before training where a class of anomalies has fewer.
// Images in test/ only test. `label` and `test` [images.count] say what each image is. A function of the arguments
// (but `threads`) alone.
// Throws Exit::data where too few normal images are there for all three, or fewer of a kind than are asked for.
FolderSplit split_folder(const Images& images, const std::vector<std::uint8_t>& label, const std::vector<bool>& test,
                         bool parts, const std::vector<std::string>& classes, const SplitOptions& options);

}  // namespace snag
