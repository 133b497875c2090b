#include "models/references.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>

#include "base/error.h"
#include "base/random.h"
#include "models/neighbours.h"

namespace snag {
namespace {

constexpr int kChunk = 512;            // images at a time
constexpr double kLeastSpread = 1e-6;  // of a component, over the first one's: below it is rounding

constexpr const char* kReal = sizeof(real) == 4 ? "F32" : "F64";

// A matrix that was saved.
const StoredTensor& stored(const Checkpoint& from, const std::string& name, const std::string& dtype) {
  const auto it = from.tensors.find(name);
  if (it == from.tensors.end() || it->second.dtype != dtype || it->second.shape.size() != 2)
    throw Error(Exit::checkpoint, "has no " + dtype + " matrix '" + name + "': it belongs to another model");
  return it->second;
}

std::vector<real> values(const StoredTensor& t) {
  std::vector<real> v(t.bytes.size() / sizeof(real));
  std::memcpy(v.data(), t.bytes.data(), t.bytes.size());
  return v;
}

std::vector<real> rows(const Images& images, int begin, int count) {
  std::vector<real> x;
  x.reserve(static_cast<std::size_t>(count) * images.image(0).size());
  for (int i = begin; i < begin + count; ++i)
    for (const std::uint8_t p : images.image(i)) x.push_back(static_cast<real>(p) / 255);
  return x;
}

void subtract(std::vector<real>& rows, const std::vector<real>& mean) {
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] -= mean[i % mean.size()];
}

// Row i of a matrix with `c` columns.
std::span<const real> row(const std::vector<real>& matrix, int i, int c) {
  const auto size = static_cast<std::size_t>(c);
  return std::span(matrix).subspan(static_cast<std::size_t>(i) * size, size);
}

wide squared_norm(std::span<const real> row) {
  wide s = 0;
  for (const real v : row) s += wide(v) * v;
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

Knn::Knn(Backend& backend, const TrainingSet& set, int neighbours)
    : backend_(backend),
      known_{set.normal, set.images.height, set.images.width, {}, set.images.channels},
      neighbours_(neighbours) {
  check_neighbours(neighbours, set.normal);
  for (int i = 0; i < set.normal; ++i) {
    const auto image = set.images.image(i);
    known_.pixels.insert(known_.pixels.end(), image.begin(), image.end());
  }
}

Knn::Knn(Backend& backend, const Checkpoint& from, int neighbours)
    : backend_(backend), known_{}, neighbours_(neighbours) {
  const StoredTensor& t = stored(from, "known", "U8");
  known_ = {static_cast<int>(t.shape[0]), static_cast<int>(t.shape[1]), 1, {t.bytes.begin(), t.bytes.end()}};
  if (neighbours > known_.count)
    throw Error(Exit::checkpoint, "holds " + std::to_string(known_.count) + " images, fewer than its neighbours");
}

void Knn::save(Checkpoint& to) const {
  to.tensors["known"] = {"U8",
                         {known_.count, static_cast<std::int64_t>(known_.image(0).size())},
                         std::string(known_.pixels.begin(), known_.pixels.end())};
}

std::vector<float> Knn::score(const Images& images) const {
  const int n = known_.count, pixels = static_cast<int>(known_.image(0).size());
  Matrices memory(backend_);
  const std::vector<real> known = rows(known_, 0, n);
  const View known_rows = memory.upload(known, pixels);
  std::vector<wide> known_norm;
  for (int j = 0; j < n; ++j) known_norm.push_back(squared_norm(row(known, j, pixels)));

  std::vector<float> score;
  std::vector<wide> distance(static_cast<std::size_t>(n));
  for (int begin = 0; begin < images.count; begin += kChunk) {
    Matrices chunk(backend_);
    const int count = std::min(kChunk, images.count - begin);
    const std::vector<real> x = rows(images, begin, count);
    const std::vector<real> dot = chunk.product(chunk.upload(x, pixels), known_rows, false, true);
    for (int i = 0; i < count; ++i) {
      const wide norm = squared_norm(row(x, i, pixels));
      for (std::size_t j = 0; j < distance.size(); ++j)
        distance[j] = norm + known_norm[j] - 2 * wide(dot[static_cast<std::size_t>(i) * distance.size() + j]);
      std::partial_sort(distance.begin(), distance.begin() + neighbours_, distance.end());
      wide sum = 0;
      for (int k = 0; k < neighbours_; ++k) sum += std::sqrt(std::max(distance[static_cast<std::size_t>(k)], wide(0)));
      score.push_back(static_cast<float>(sum / neighbours_));
    }
  }
  return score;
}

Pca::Pca(Backend& backend, const TrainingSet& set, int components) : backend_(backend) {
  const int n = set.normal, pixels = static_cast<int>(set.images.image(0).size());
  if (components >= pixels)
    throw Error(Exit::usage, "--components " + std::to_string(components) + " is not below the " +
                                 std::to_string(pixels) + " values of an image: choose fewer");
  std::vector<real> x = rows(set.images, 0, n);
  std::vector<wide> sum(static_cast<std::size_t>(pixels), 0);
  for (std::size_t i = 0; i < x.size(); ++i) sum[i % sum.size()] += x[i];
  for (const wide s : sum) mean_.push_back(static_cast<real>(s / n));
  subtract(x, mean_);

  Matrices memory(backend);
  const View centred = memory.upload(x, pixels);
  // The matrix of pixels with pixels and that of images with images have the same eigenvalues: take the smaller one.
  const bool by_image = n < pixels;
  const std::vector<real> scatter = memory.product(centred, centred, !by_image, by_image);
  const int size = std::min(n, pixels);
  const Eigen::MatrixXd matrix =
      Eigen::Map<const Eigen::Matrix<real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(scatter.data(), size, size)
          .cast<double>();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix);  // eigenvalues ascend
  for (int k = 0; k < std::min(components, size); ++k) {
    const double spread = solver.eigenvalues()(size - 1 - k);
    if (by_image && !(spread > kLeastSpread * solver.eigenvalues()(size - 1))) break;  // no more components than that
    const auto vector = solver.eigenvectors().col(size - 1 - k);
    for (int i = 0; i < pixels; ++i) {
      double value = 0;
      if (by_image)
        for (int j = 0; j < n; ++j)
          value += vector(j) * x[static_cast<std::size_t>(j * pixels + i)] / std::sqrt(spread);
      else
        value = vector(i);
      basis_.push_back(static_cast<real>(value));
    }
  }
  if (basis_.empty()) throw Error(Exit::data, "all normal training images are equal: pca has nothing to learn");
}

Pca::Pca(Backend& backend, const Checkpoint& from)
    : backend_(backend), mean_(values(stored(from, "mean", kReal))), basis_(values(stored(from, "basis", kReal))) {
  if (mean_.empty() || basis_.empty() || basis_.size() % mean_.size() != 0)
    throw Error(Exit::checkpoint, "tensors 'mean' and 'basis' do not fit each other: the file is of another program");
}

void Pca::save(Checkpoint& to) const {
  const auto pixels = static_cast<std::int64_t>(mean_.size());
  const auto bytes = [](const std::vector<real>& v) {
    return std::string(reinterpret_cast<const char*>(v.data()), sizeof(real) * v.size());
  };
  to.tensors["mean"] = {kReal, {1, pixels}, bytes(mean_)};
  to.tensors["basis"] = {kReal, {static_cast<std::int64_t>(basis_.size()) / pixels, pixels}, bytes(basis_)};
}

std::vector<float> Pca::score(const Images& images) const {
  const int pixels = static_cast<int>(mean_.size()), components = static_cast<int>(basis_.size() / mean_.size());
  std::vector<float> score;
  Matrices memory(backend_);
  const View basis = memory.upload(basis_, pixels);
  for (int begin = 0; begin < images.count; begin += kChunk) {
    Matrices chunk(backend_);
    const int count = std::min(kChunk, images.count - begin);
    std::vector<real> x = rows(images, begin, count);
    subtract(x, mean_);
    const std::vector<real> projected = chunk.product(chunk.upload(x, pixels), basis, false, true);
    for (int i = 0; i < count; ++i) {
      const wide left = squared_norm(row(x, i, pixels)) - squared_norm(row(projected, i, components));
      score.push_back(static_cast<float>(std::sqrt(std::max(left, wide(0)) / pixels)));
    }
  }
  return score;
}

}  // namespace snag
