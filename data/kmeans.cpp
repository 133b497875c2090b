#include "data/kmeans.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/error.h"
#include "data/at.h"
#include "data/distances.h"
#include "data/seeding.h"

namespace snag {
namespace {

class Lloyd {
 public:
  Lloyd(const Points& points, std::vector<float> centres, int k, int threads)
      : points_(points),
        k_(k),
        threads_(threads),
        centres_(std::move(centres)),
        label_(at(points.n), -1),
        nearest_(at(points.n), -1),
        upper_(at(points.n), std::numeric_limits<float>::infinity()),
        lower_(at(points.n), 0.0F),
        sum_(centres_.size(), 0.0),
        size_(at(k), 0) {}

  Clustering run(int max_iterations);

 private:
  double squared_distance_to_own(int i) const;
  void assign();
  bool take_over();
  void fill_empty();
  void move_centres();

  const Points& points_;
  int k_, threads_;
  std::vector<float> centres_;        // [k, dim]
  std::vector<int> label_, nearest_;  // [n] the cluster whose sum holds the point (-1: none yet); what assign() found
  std::vector<float> upper_, lower_;  // [n] bounds: the distance to the nearest centre is at most, to others at least
  std::vector<double> sum_;           // [k, dim] of the points of each cluster; exact for whole pixel values
  std::vector<int> size_;             // [k]
};

// nearest_ of every point. Most points are settled by their bounds (Hamerly, "Making k-means even faster", SDM 2010).
void Lloyd::assign() {
  CentreTable table(points_.dim);
  table.fill(at(k_), [&](std::size_t j) { return &centres_[j * points_.dim]; });
  each_point(
      points_, table, threads_, [&](int i) { return upper_[at(i)] >= lower_[at(i)]; },
      [&](int i, const float* row) {
        int nearest = 0;
        float first = row[0], second = std::numeric_limits<float>::infinity();
        for (int j = 1; j < k_; ++j) {
          if (row[j] < first) {
            second = first;
            first = row[j];
            nearest = j;
          } else {
            second = std::min(second, row[j]);
          }
        }
        nearest_[at(i)] = nearest;
        upper_[at(i)] = std::sqrt(std::max(0.0F, first + points_.norm[at(i)]));
        lower_[at(i)] = std::sqrt(std::max(0.0F, second + points_.norm[at(i)]));
      });
}

// Brings labels, sums and sizes up to nearest_, in the order of the points; true when any label changed.
bool Lloyd::take_over() {
  bool changed = false;
  for (int i = 0; i < points_.n; ++i) {
    const int from = label_[at(i)], to = nearest_[at(i)];
    if (from == to) continue;
    changed = true;
    label_[at(i)] = to;
    ++size_[at(to)];
    if (from >= 0) --size_[at(from)];
    const float* x = points_[i];
    for (std::size_t d = 0; d < points_.dim; ++d) {
      sum_[at(to) * points_.dim + d] += x[d];
      if (from >= 0) sum_[at(from) * points_.dim + d] -= x[d];
    }
  }
  return changed;
}

double Lloyd::squared_distance_to_own(int i) const {
  const float *x = points_[i], *c = &centres_[at(label_[at(i)]) * points_.dim];
  double sum = 0;
  for (std::size_t d = 0; d < points_.dim; ++d) sum += (double{x[d]} - c[d]) * (double{x[d]} - c[d]);
  return sum;
}

// Gives each empty cluster the point farthest from its centre, as kmeans.h states it; in nearest_, not yet in label_.
void Lloyd::fill_empty() {
  if (std::find(size_.begin(), size_.end(), 0) == size_.end()) return;
  std::vector<double> distance(at(points_.n));
  for (int i = 0; i < points_.n; ++i) distance[at(i)] = squared_distance_to_own(i);
  std::vector<int> left = size_;
  for (int j = 0; j < k_; ++j) {
    if (size_[at(j)] > 0) continue;
    int far = -1;
    for (int i = 0; i < points_.n; ++i)
      if (left[at(label_[at(i)])] > 1 && distance[at(i)] > (far < 0 ? 0.0 : distance[at(far)])) far = i;
    if (far < 0) return;
    --left[at(label_[at(far)])];
    distance[at(far)] = 0;
    nearest_[at(far)] = j;
    upper_[at(far)] = std::numeric_limits<float>::infinity();  // its bounds are those of its old cluster
  }
}

// Every centre to the mean of its cluster; the bounds follow.
void Lloyd::move_centres() {
  std::vector<float> moved(at(k_), 0.0F);
  for (int j = 0; j < k_; ++j) {
    if (size_[at(j)] == 0) continue;
    float* centre = &centres_[at(j) * points_.dim];
    double squared = 0;
    for (std::size_t d = 0; d < points_.dim; ++d) {
      const auto mean = static_cast<float>(sum_[at(j) * points_.dim + d] / size_[at(j)]);
      const double step = double{mean} - centre[d];
      squared += step * step;
      centre[d] = mean;
    }
    moved[at(j)] = static_cast<float>(std::sqrt(squared));
  }
  const auto farthest = static_cast<int>(std::max_element(moved.begin(), moved.end()) - moved.begin());
  float other = 0;  // the farthest move but that
  for (int j = 0; j < k_; ++j)
    if (j != farthest) other = std::max(other, moved[at(j)]);
  for (int i = 0; i < points_.n; ++i) {
    upper_[at(i)] += moved[at(label_[at(i)])];
    lower_[at(i)] -= label_[at(i)] == farthest ? other : moved[at(farthest)];
  }
}

Clustering Lloyd::run(int max_iterations) {
  Clustering result;
  for (bool changed = true; changed && result.iterations < max_iterations; ++result.iterations) {
    assign();
    changed = take_over();
    fill_empty();
    changed |= take_over();
    if (changed) move_centres();
  }
  for (int i = 0; i < points_.n; ++i) result.inertia += squared_distance_to_own(i);
  result.label = std::move(label_);
  result.centres = std::move(centres_);
  return result;
}

Points checked(std::span<const float> values, int n, int dim, int k, int max_iterations) {
  if (n < 1 || dim < 1 || values.size() != at(n) * at(dim))
    throw Error(Exit::usage, "k-means: " + std::to_string(values.size()) + " values are not " + std::to_string(n) +
                                 " points of " + std::to_string(dim) + " dimensions");
  if (k < 1 || k > n)
    throw Error(Exit::usage, "k-means: " + std::to_string(k) + " clusters of " + std::to_string(n) +
                                 " points; give 1 to as many as there are points");
  if (max_iterations < 1)
    throw Error(Exit::usage, "k-means: " + std::to_string(max_iterations) + " iterations; give at least 1");
  Points points{values, n, at(dim), {}};
  for (int i = 0; i < n; ++i) {
    points.norm.push_back(squared_norm(points[i], points.dim));
    if (!std::isfinite(points.norm.back()))
      throw Error(Exit::data, "k-means: point " + std::to_string(i) + " is not finite, or too long for a float");
  }
  return points;
}

}  // namespace

Clustering kmeans(std::span<const float> points, int n, int dim, int k, std::uint64_t seed, std::uint32_t sub,
                  int max_iterations, int threads) {
  const Points all = checked(points, n, dim, k, max_iterations);
  return Lloyd(all, first_centres(all, k, seed, sub, threads), k, threads).run(max_iterations);
}

Clustering lloyd(std::span<const float> points, int n, int dim, std::vector<float> centres, int max_iterations,
                 int threads) {
  const int k = dim < 1 ? 0 : static_cast<int>(centres.size()) / dim;
  const Points all = checked(points, n, dim, k, max_iterations);
  if (centres.size() != at(k) * at(dim))
    throw Error(Exit::usage, "k-means: " + std::to_string(centres.size()) + " values are not centres of " +
                                 std::to_string(dim) + " dimensions");
  return Lloyd(all, std::move(centres), k, threads).run(max_iterations);
}

}  // namespace snag
