#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "data/images.h"

namespace snag {

// The training material of one experiment: some classes are normal, the others anomalies. A subset of the anomalies
// keeps their distribution: k-means on the images, then the same number from every cluster.

enum class Sampling {
  kmeans,        // clusters within each anomaly class
  kmeans_joint,  // clusters over the images of all anomaly classes together; the classes' shares fall as they may
  random,        // no clusters: a random subset of each anomaly class
};

struct TaskOptions {
  static constexpr int balanced = -1;
  std::vector<int> normal_classes{0};
  std::vector<int> hold_out;   // anomaly classes kept out of training and of validation
  int train_normal = 0;        // images; 0 = all that validation leaves
  int train_anomalous = 6000;  // images; 0 = all that validation leaves, balanced = as many as normal ones, at most all
  double validation = 0.05;    // share of each class of the training file kept for thresholds, in [0, 1)
  Sampling sampling = Sampling::kmeans;
  int clusters = 10;  // of each anomaly class, or of all together
  std::uint64_t seed = 0;
  int threads = 1;  // changes the time taken, never the result
};

struct ClusterDraw {
  int size = 0, drawn = 0;  // training anomalies in the cluster, and those of them that were taken
};

enum class Role { normal, anomaly, held_out };

struct ClassDraw {
  Role role = Role::anomaly;
  int in_file = 0, validation = 0, train = 0;  // images
  std::vector<ClusterDraw> clusters;           // with Sampling::kmeans, unless all images were taken
};

struct Task {
  // Indices into the training file, ascending; no image is in two of the lists.
  std::vector<int> train_normal, train_anomalous, validation;
  // What was drawn.
  std::array<ClassDraw, class_count> classes;
  std::vector<ClusterDraw> joint_clusters;  // with Sampling::kmeans_joint, unless all images were taken
};

// Draws a task; a function of the labels, the pixels and the options.
//
// 1. Validation: of every class that is not held out, round(validation * images) by a seeded permutation.
// 2. Normal: the first train_normal of a seeded permutation of what is left of the normal classes, taken together.
// 3. Anomalous: train_anomalous images are dealt one at a time, round-robin, to the anomaly classes from the lowest,
//    passing over a class that has no more images; then a class's share in the same way to its clusters. So shares are
//    equal, the remainder goes to the first ones, and where a class or a cluster is too small its shortfall is topped
//    up evenly from the others. Exactly train_anomalous images are drawn, none twice. Within a cluster a seeded
//    permutation decides. Clusters are fitted on training anomalies only, on all of them (the pixels as they are in
//    the file); a class with fewer images than `clusters` gets one cluster for each image.
// A smaller train_normal or train_anomalous takes a subset of what a larger one takes.
//
// Throws Exit::usage for options that contradict each other or are out of range; Exit::data for labels that do not
// fit the images, a class without images, or fewer images than are asked for.
Task one_vs_rest(const LabelledImages& train, const TaskOptions& options);

// What was drawn, for the log: one line a class, and one for the joint clusters if there are any.
std::vector<std::string> describe(const Task& task);

}  // namespace snag
