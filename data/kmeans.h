#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace snag {

struct Clustering {
  std::vector<int> label;      // [n] the cluster of each point, 0 .. k - 1
  std::vector<float> centres;  // [k, dim] the mean of each cluster's points
  double inertia = 0;          // sum over the points of the squared distance to the own centre
  int iterations = 0;          // assignments of all points to centres, the last one without a change
};

// k-means of all n points: lloyd() from first centres by greedy k-means++ (Arthur & Vassilvitskii, "k-means++: the
// advantages of careful seeding", SODA 2007; greedy with scikit-learn's 2 + ln k trials a centre), drawn with Philox
// (seed, Stream::kmeans, sub).
// points [n, dim]. The result depends on the arguments alone, `threads` not among them: the same bits on every run of
// one program. Throws Exit::usage unless 1 <= k <= n, dim >= 1, max_iterations >= 1 and points has n * dim values;
// Exit::data for a point that is not finite.
Clustering kmeans(std::span<const float> points, int n, int dim, int k, std::uint64_t seed, std::uint32_t sub,
                  int max_iterations = 300, int threads = 1);

// Lloyd's iterations from the first centres [k, dim], until no point changes its cluster or max_iterations.
//
// A point between equally near centres goes to the first. A cluster that loses all its points takes over the point
// that lies farthest from its own centre (of those that are not alone in their cluster; the first among equals). It
// stays empty, its centre where it was, only when no such point is off its centre: fewer than k distinct points.
// Distances are |x|^2 - 2 x.c + |c|^2 in float: centre points first whose spread is under a thousandth of their length.
// Throws as kmeans() does.
Clustering lloyd(std::span<const float> points, int n, int dim, std::vector<float> centres, int max_iterations = 300,
                 int threads = 1);

}  // namespace snag
