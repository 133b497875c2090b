#include "data/kmeans.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "tests/host/data_files.h"

using namespace snag;
using data_test::check_error;

namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

// n points [n, dim], uniform in [0, 1), around one of `blobs` corners that are 10 apart.
std::vector<float> blobs(int n, int dim, int blobs, std::uint64_t seed) {
  std::vector<float> points;
  for (int i = 0; i < n; ++i)
    for (int d = 0; d < dim; ++d) {
      const float corner = d == (i % blobs) % dim ? 10.0F * static_cast<float>(1 + (i % blobs) / dim) : 0.0F;
      points.push_back(corner + philox(seed, Stream::sample, 5, at(i * dim + d)).uniform(0));
    }
  return points;
}

double squared_distance(const float* x, const float* c, int dim) {
  double sum = 0;
  for (int d = 0; d < dim; ++d) sum += (double{x[d]} - c[d]) * (double{x[d]} - c[d]);
  return sum;
}

// Lloyd's iterations as the textbook has them, in double; for data where no cluster runs empty.
std::vector<int> plain_lloyd(const std::vector<float>& points, int n, int dim, std::vector<float> centres,
                             int& iterations) {
  const int k = static_cast<int>(centres.size()) / dim;
  std::vector<int> label(at(n), -1);
  for (iterations = 1;; ++iterations) {
    bool changed = false;
    for (int i = 0; i < n; ++i) {
      int nearest = 0;
      for (int j = 1; j < k; ++j)
        if (squared_distance(&points[at(i * dim)], &centres[at(j * dim)], dim) <
            squared_distance(&points[at(i * dim)], &centres[at(nearest * dim)], dim))
          nearest = j;
      changed |= label[at(i)] != nearest;
      label[at(i)] = nearest;
    }
    if (!changed) return label;
    for (int j = 0; j < k; ++j)
      for (int d = 0; d < dim; ++d) {
        double sum = 0, size = 0;
        for (int i = 0; i < n; ++i)
          if (label[at(i)] == j) {
            sum += points[at(i * dim + d)];
            ++size;
          }
        REQUIRE(size > 0);
        centres[at(j * dim + d)] = static_cast<float>(sum / size);
      }
  }
}

// The centres are the means of their clusters, the inertia is that of labels and centres.
void check_consistent(const std::vector<float>& points, int n, int dim, const Clustering& c) {
  const int k = static_cast<int>(c.centres.size()) / dim;
  double inertia = 0;
  std::vector<double> sum(c.centres.size(), 0.0);
  std::vector<int> size(at(k), 0);
  for (int i = 0; i < n; ++i) {
    const int j = c.label[at(i)];
    REQUIRE(j >= 0);
    REQUIRE(j < k);
    ++size[at(j)];
    for (int d = 0; d < dim; ++d) sum[at(j * dim + d)] += points[at(i * dim + d)];
    inertia += squared_distance(&points[at(i * dim)], &c.centres[at(j * dim)], dim);
  }
  for (int j = 0; j < k; ++j)
    for (int d = 0; d < dim && size[at(j)] > 0; ++d)
      CHECK(c.centres[at(j * dim + d)] == doctest::Approx(sum[at(j * dim + d)] / size[at(j)]).epsilon(1e-6));
  CHECK(c.inertia == doctest::Approx(inertia).epsilon(1e-12));
}

}  // namespace

TEST_CASE("k-means: finds clusters that lie apart, whatever the seed") {
  const int n = 203, dim = 5;
  for (const int k : {1, 2, 5, 13, 17}) {
    const std::vector<float> points = blobs(n, dim, k, 3);
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      const Clustering c = kmeans(points, n, dim, k, seed, 0);
      for (int i = k; i < n; ++i) CHECK(c.label[at(i)] == c.label[at(i - k)]);
      CHECK(std::set<int>(c.label.begin(), c.label.end()).size() == at(k));
      check_consistent(points, n, dim, c);
    }
  }
}

// Few points, so that none lies so near to the middle between two centres that float and double would disagree.
TEST_CASE("lloyd: the same clusters in as many iterations as the textbook's loop, for every layout of the centres") {
  for (const int n : {31, 64, 203})
    for (int k = 1; k <= 30; ++k) {
      CAPTURE(n);
      CAPTURE(k);
      const int dim = 3 + k % 4;
      const std::vector<float> points = blobs(n, dim, 3, at(k));
      const std::vector<float> first(points.begin(), points.begin() + k * dim);
      int iterations = 0;
      const std::vector<int> label = plain_lloyd(points, n, dim, first, iterations);
      const Clustering c = lloyd(points, n, dim, first);
      CHECK(c.label == label);
      CHECK(c.iterations == iterations);
      check_consistent(points, n, dim, c);
    }
}

TEST_CASE("k-means: ends with every point at its nearest centre") {
  const int dim = 6;
  for (const int n : {1030, 4097})  // the last task is short, its last group not full
    for (const int k : {2, 9, 10, 17, 40}) {
      const std::vector<float> points = blobs(n, dim, 3, at(k));
      const Clustering c = kmeans(points, n, dim, k, 5, 0);
      REQUIRE(c.iterations < 300);
      check_consistent(points, n, dim, c);
      const std::vector<float> origin(at(dim), 0.0F);
      for (int i = 0; i < n; ++i) {
        const float* x = &points[at(i * dim)];
        const double own = squared_distance(x, &c.centres[at(c.label[at(i)] * dim)], dim);
        const double rounding = 2e-6 * squared_distance(x, origin.data(), dim);  // of |x|^2 - 2 x.c + |c|^2 in float
        for (int j = 0; j < k; ++j) CHECK(own <= squared_distance(x, &c.centres[at(j * dim)], dim) + rounding);
      }
    }
}

TEST_CASE("k-means: the same bits for any number of threads, and again") {
  const int n = 3001, dim = 19;
  const std::vector<float> points = blobs(n, dim, 4, 1);
  const Clustering one = kmeans(points, n, dim, 10, 42, 7);
  for (const int threads : {1, 2, 3, 16}) {
    const Clustering c = kmeans(points, n, dim, 10, 42, 7, 300, threads);
    CHECK(c.label == one.label);
    CHECK(c.centres == one.centres);
    CHECK(c.inertia == one.inertia);
    CHECK(c.iterations == one.iterations);
  }
}

TEST_CASE("k-means: seed and sub-stream each change the first centres") {
  const int n = 500, dim = 3;
  const std::vector<float> points = blobs(n, dim, 1, 1);
  const auto centres = [&](std::uint64_t seed, std::uint32_t sub) {
    return kmeans(points, n, dim, 8, seed, sub, 1).centres;
  };
  CHECK(centres(0, 0) == centres(0, 0));
  CHECK(centres(0, 0) != centres(1, 0));
  CHECK(centres(0, 0) != centres(0, 1));
}

TEST_CASE("k-means: seeding spreads the centres: one in each far blob of very unequal sizes") {
  // 3 far points among 1000: a uniform choice of 4 centres would miss them.
  std::vector<float> points(1000, 0.0F);
  for (std::size_t i = 0; i < points.size(); ++i) points[i] = philox(2, Stream::sample, 5, i).uniform(0);
  points.insert(points.end(), {1000.0F, 2000.0F, 3000.0F});
  for (std::uint64_t seed = 0; seed < 20; ++seed) CHECK(kmeans(points, 1003, 1, 4, seed, 0, 1).inertia < 1000);
}

TEST_CASE("k-means: as many clusters as points leaves no inertia") {
  const std::vector<float> points = blobs(12, 3, 1, 9);
  const Clustering c = kmeans(points, 12, 3, 12, 0, 0);
  CHECK(c.inertia == 0);
  CHECK(std::set<int>(c.label.begin(), c.label.end()).size() == 12);
}

TEST_CASE("k-means: fewer distinct points than clusters leave clusters empty") {
  std::vector<float> points;
  for (int i = 0; i < 20; ++i) points.insert(points.end(), {i % 2 ? 3.5F : 0.1F, 7.25F});
  const Clustering c = kmeans(points, 20, 2, 5, 0, 0);
  CHECK(std::set<int>(c.label.begin(), c.label.end()).size() == 2);
  CHECK(c.inertia == 0);
  CHECK(c.iterations < 10);
  for (const float x : c.centres) CHECK(std::isfinite(x));
}

TEST_CASE("lloyd: an empty cluster takes over the point farthest from its centre") {
  // The third centre is too far for any point; 9 lies farthest from its centre 1, so the third cluster starts there.
  const std::vector<float> points{0, 1, 2, 9, 20, 21};
  const Clustering one = lloyd(points, 6, 1, {1, 20, 1000}, 1);
  CHECK(one.label == std::vector<int>{0, 0, 0, 2, 1, 1});
  CHECK(one.centres == std::vector<float>{1, 20.5F, 9});
  CHECK(lloyd(points, 6, 1, {1, 20, 1000}).label == one.label);
}

TEST_CASE("lloyd: several empty clusters take over different points, the first among equals, never a lone one") {
  // 100 is alone with the second centre, so it stays although it lies farthest; -4 and 4 are equally far from 0.
  const std::vector<float> points{0, 1, 4, -4, 100};
  CHECK(lloyd(points, 5, 1, {0, 180, 1000, 2000}, 1).label == std::vector<int>{0, 0, 2, 3, 1});
  // Once 100 is taken over, 101 is alone, so the next is 5.
  const std::vector<float> pair{0, 1, 5, 100, 101};
  CHECK(lloyd(pair, 5, 1, {0, 190, 1000, 2000}, 1).label == std::vector<int>{0, 0, 3, 2, 1});
}

TEST_CASE("lloyd: a point between two centres goes to the first") {
  CHECK(lloyd(std::vector<float>{0, 1, 2}, 3, 1, {0, 2}, 1).label == std::vector<int>{0, 0, 1});
  CHECK(lloyd(std::vector<float>{0, 1, 2}, 3, 1, {2, 0}, 1).label == std::vector<int>{1, 0, 0});
}

TEST_CASE("k-means: stops at max_iterations with centres that fit the labels") {
  const int n = 900, dim = 4;
  const std::vector<float> points = blobs(n, dim, 1, 4);
  double before = std::numeric_limits<double>::infinity();
  for (const int most : {1, 2, 3, 5}) {
    const Clustering c = kmeans(points, n, dim, 9, 1, 0, most);
    CHECK(c.iterations == most);
    CHECK(c.inertia < before);
    before = c.inertia;
    check_consistent(points, n, dim, c);
  }
}

TEST_CASE("k-means: bad arguments are refused") {
  std::vector<float> points(12, 1.0F);
  check_error([&] { kmeans(points, 5, 2, 2, 0, 0); }, Exit::usage, "12 values are not 5 points of 2 dimensions");
  check_error([&] { kmeans({}, 0, 2, 1, 0, 0); }, Exit::usage, "0 values are not 0 points of 2 dimensions");
  check_error([&] { kmeans(points, 12, 0, 2, 0, 0); }, Exit::usage, "12 values are not 12 points of 0 dimensions");
  check_error([&] { kmeans(points, 6, 2, 0, 0, 0); }, Exit::usage, "0 clusters of 6 points");
  check_error([&] { kmeans(points, 6, 2, 7, 0, 0); }, Exit::usage, "7 clusters of 6 points; give 1 to as many");
  check_error([&] { kmeans(points, 6, 2, 2, 0, 0, 0); }, Exit::usage, "0 iterations; give at least 1");
  check_error([&] { lloyd(points, 6, 2, {}); }, Exit::usage, "0 clusters of 6 points");
  check_error([&] { lloyd(points, 6, 2, {1, 2, 3}); }, Exit::usage, "3 values are not centres of 2 dimensions");
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e20F}) {
    points[7] = bad;
    check_error([&] { kmeans(points, 6, 2, 2, 0, 0); }, Exit::data, "point 3 is not finite");
  }
}
