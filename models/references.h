#pragma once
#include <vector>

#include "engine/safetensors.h"
#include "models/trainer.h"

namespace snag {

// The systems that learn no weights, as scores of square images (higher = more anomalous); pixels are taken as 0 .. 1.

// Uniform in [0, 1): AUROC 0.5, the sanity floor. Each part of the data has numbers of its own.
std::vector<float> random_scores(int count, std::uint64_t seed, std::uint32_t part);

// Mean Euclidean distance to the `neighbours` nearest normal training images.
class Knn {
 public:
  // Throws Error{Exit::usage} if there are fewer images than neighbours.
  Knn(Backend&, const TrainingSet&, int neighbours);
  Knn(Backend&, const Checkpoint&, int neighbours);  // as saved; throws Error{Exit::checkpoint}
  std::vector<float> score(const Images&) const;
  void save(Checkpoint&) const;  // "known" U8 [n, pixels]

 private:
  Backend& backend_;
  Images known_;
  int neighbours_;
};

// Root mean square error of the reconstruction from the mean and the `components` first principal components of the
// normal training images, or all where there are fewer.
class Pca {
 public:
  Pca(Backend&, const TrainingSet&, int components);
  Pca(Backend&, const Checkpoint&);  // as saved; throws Error{Exit::checkpoint}
  std::vector<float> score(const Images&) const;
  void save(Checkpoint&) const;  // "mean" [pixels], "basis" [components, pixels]

 private:
  Backend& backend_;
  std::vector<real> mean_;   // [pixels]
  std::vector<real> basis_;  // [components, pixels], orthonormal rows
};

}  // namespace snag
