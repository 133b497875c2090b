#pragma once
#include <vector>

#include "models/trainer.h"

namespace snag {

// The systems that learn no weights, as scores of 32x32 images (higher = more anomalous); pixels are taken as 0 .. 1.

// Uniform in [0, 1): AUROC 0.5, the sanity floor. Each part of the data has numbers of its own.
std::vector<float> random_scores(int count, std::uint64_t seed, std::uint32_t part);

// Mean Euclidean distance to the `neighbours` nearest normal training images. Throws Error{Exit::usage} if there are
// fewer.
std::vector<float> knn_scores(Backend&, const TrainingSet&, int neighbours, const Images&);

// Root mean square error of the reconstruction from the mean and the `components` first principal components of the
// normal training images.
class Pca {
 public:
  Pca(Backend&, const TrainingSet&, int components);
  std::vector<float> score(const Images&) const;

 private:
  Backend& backend_;
  std::vector<real> mean_;   // [1024]
  std::vector<real> basis_;  // [components, 1024], orthonormal rows
  int components_;
};

}  // namespace snag
