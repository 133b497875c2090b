#include "models/references.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"

namespace snag {
namespace {

constexpr int kChunk = 512;  // images at a time

std::vector<real> rows(const Images& images, int begin, int count) {
  std::vector<real> x;
  x.reserve(static_cast<std::size_t>(count) * kPixels);
  for (int i = begin; i < begin + count; ++i)
    for (const std::uint8_t p : images.image(i)) x.push_back(static_cast<real>(p) / 255);
  return x;
}

void subtract(std::vector<real>& rows, const std::vector<real>& mean) {
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] -= mean[i % kPixels];
}

wide squared_norm(const real* row, int size = kPixels) {
  wide s = 0;
  for (int i = 0; i < size; ++i) s += wide(row[i]) * row[i];
  return s;
}

// A matrix in device memory until the scope ends.
class Matrices {
 public:
  explicit Matrices(Backend& backend) : backend_(backend), mark_(backend.mark()) {}
  ~Matrices() { backend_.rewind(mark_); }
  Matrices(const Matrices&) = delete;
  Matrices& operator=(const Matrices&) = delete;

  View empty(int n, int c) {
    return {
        static_cast<real*>(backend_.alloc(sizeof(real) * static_cast<std::size_t>(n) * static_cast<std::size_t>(c))),
        {.n = n, .c = c}};
  }
  View upload(const std::vector<real>& values, int c) {
    const View v = empty(static_cast<int>(values.size()) / c, c);
    backend_.upload(v.data, values.data(), sizeof(real) * values.size());
    return v;
  }
  std::vector<real> product(View a, View b, bool transpose_a, bool transpose_b) {
    const View c = empty(transpose_a ? a.shape.c : a.shape.n, transpose_b ? b.shape.n : b.shape.c);
    backend_.run(MatMul{.c = c, .a = a, .b = b, .transpose_a = transpose_a, .transpose_b = transpose_b});
    std::vector<real> values(static_cast<std::size_t>(c.shape.size()));
    backend_.download(values.data(), c.data, sizeof(real) * values.size());
    return values;
  }

 private:
  Backend& backend_;
  std::size_t mark_;
};

}  // namespace

std::vector<float> random_scores(int count, std::uint64_t seed, std::uint32_t part) {
  std::vector<float> score;
  for (int i = 0; i < count; ++i)
    score.push_back(philox(seed, Stream::score, part, static_cast<std::uint64_t>(i)).uniform(0));
  return score;
}

std::vector<float> knn_scores(Backend& backend, const TrainingSet& set, int neighbours, const Images& images) {
  const int n = set.normal;
  if (neighbours > n)
    throw Error(Exit::usage, "--neighbours " + std::to_string(neighbours) + " is more than the " + std::to_string(n) +
                                 " normal training images: choose fewer");
  Matrices memory(backend);
  const std::vector<real> known = rows(set.images, 0, n);
  const View known_rows = memory.upload(known, kPixels);
  std::vector<wide> known_norm;
  for (int j = 0; j < n; ++j) known_norm.push_back(squared_norm(&known[static_cast<std::size_t>(j) * kPixels]));

  std::vector<float> score;
  std::vector<wide> distance(static_cast<std::size_t>(n));
  for (int begin = 0; begin < images.count; begin += kChunk) {
    Matrices chunk(backend);
    const int count = std::min(kChunk, images.count - begin);
    const std::vector<real> x = rows(images, begin, count);
    const std::vector<real> dot = chunk.product(chunk.upload(x, kPixels), known_rows, false, true);
    for (int i = 0; i < count; ++i) {
      const wide norm = squared_norm(&x[static_cast<std::size_t>(i) * kPixels]);
      for (std::size_t j = 0; j < distance.size(); ++j)
        distance[j] = norm + known_norm[j] - 2 * wide(dot[static_cast<std::size_t>(i) * distance.size() + j]);
      std::partial_sort(distance.begin(), distance.begin() + neighbours, distance.end());
      wide sum = 0;
      for (int k = 0; k < neighbours; ++k) sum += std::sqrt(std::max(distance[static_cast<std::size_t>(k)], wide(0)));
      score.push_back(static_cast<float>(sum / neighbours));
    }
  }
  return score;
}

Pca::Pca(Backend& backend, const TrainingSet& set, int components) : backend_(backend), components_(components) {
  const int n = set.normal;
  std::vector<real> x = rows(set.images, 0, n);
  std::vector<wide> sum(kPixels, 0);
  for (std::size_t i = 0; i < x.size(); ++i) sum[i % kPixels] += x[i];
  for (const wide s : sum) mean_.push_back(static_cast<real>(s / n));
  subtract(x, mean_);

  Matrices memory(backend);
  const View centred = memory.upload(x, kPixels);
  const std::vector<real> scatter = memory.product(centred, centred, true, false);
  const Eigen::MatrixXd matrix = Eigen::Map<const Eigen::Matrix<real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
                                     scatter.data(), kPixels, kPixels)
                                     .cast<double>();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix);  // eigenvalues ascend
  for (int k = 0; k < components; ++k)
    for (int i = 0; i < kPixels; ++i) basis_.push_back(static_cast<real>(solver.eigenvectors()(i, kPixels - 1 - k)));
}

std::vector<float> Pca::score(const Images& images) const {
  std::vector<float> score;
  Matrices memory(backend_);
  const View basis = memory.upload(basis_, kPixels);
  for (int begin = 0; begin < images.count; begin += kChunk) {
    Matrices chunk(backend_);
    const int count = std::min(kChunk, images.count - begin);
    std::vector<real> x = rows(images, begin, count);
    subtract(x, mean_);
    const std::vector<real> projected = chunk.product(chunk.upload(x, kPixels), basis, false, true);
    for (int i = 0; i < count; ++i) {
      const wide left =
          squared_norm(&x[static_cast<std::size_t>(i) * kPixels]) -
          squared_norm(&projected[static_cast<std::size_t>(i) * static_cast<std::size_t>(components_)], components_);
      score.push_back(static_cast<float>(std::sqrt(std::max(left, wide(0)) / kPixels)));
    }
  }
  return score;
}

}  // namespace snag
