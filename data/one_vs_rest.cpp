#include "data/one_vs_rest.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/shuffle.h"
#include "data/at.h"
#include "data/parallel.h"
#include "data/sampling.h"

namespace snag {
namespace {

// Sub-streams of Philox: a class's own number, or one of these for classes taken together.
constexpr std::uint32_t all_normal = class_count, all_anomalous = class_count + 1;

[[noreturn]] void bad_option(const std::string& what) { throw Error(Exit::usage, "task: " + what); }

void assign_roles(const TaskOptions& options, std::array<ClassDraw, class_count>& classes) {
  std::array<bool, class_count> named{};
  const auto name = [&](const std::vector<int>& list, Role role, const std::string& as) {
    for (const int c : list) {
      if (c < 0 || c >= class_count)
        bad_option(as + " class " + std::to_string(c) + " does not exist; give 0 to " +
                   std::to_string(class_count - 1));
      if (named[at(c)]) {
        const bool twice = classes[at(c)].role == role;
        bad_option("class " + std::to_string(c) + " is " +
                   (twice ? as + " twice; name it once" : "both normal and held out; name it as one"));
      }
      named[at(c)] = true;
      classes[at(c)].role = role;
    }
  };
  name(options.normal_classes, Role::normal, "normal");
  name(options.hold_out, Role::held_out, "held-out");
  if (options.normal_classes.empty()) bad_option("no normal class; name at least one");
  if (at(class_count) == options.normal_classes.size()) bad_option("every class is normal; leave at least one out");
  if (std::all_of(named.begin(), named.end(), [](bool n) { return n; }))
    bad_option("no anomaly class is left to train on; hold out fewer classes");
}

void check_numbers(const TaskOptions& options) {
  if (options.train_normal < 0 || options.train_anomalous < TaskOptions::balanced)
    bad_option("a negative number of training images; give 0 for all");
  if (!(options.validation >= 0 && options.validation < 1))  // NaN fails too
    bad_option("validation share " + std::to_string(options.validation) + "; give one from 0 to below 1");
  if (options.clusters < 1) bad_option(std::to_string(options.clusters) + " clusters; give at least 1");
  if (options.threads < 1) bad_option(std::to_string(options.threads) + " threads; give at least 1");
}

using ByClass = std::array<std::vector<int>, class_count>;  // indices of images, ascending

ByClass group(const LabelledImages& train, std::array<ClassDraw, class_count>& classes) {
  if (train.labels.size() != at(train.images.count))
    throw Error(Exit::data, "task: " + std::to_string(train.labels.size()) + " labels for " +
                                std::to_string(train.images.count) + " images; each image needs one");
  ByClass images;
  for (int i = 0; i < train.images.count; ++i) {
    const int label = train.labels[at(i)];
    if (label >= class_count)
      throw Error(Exit::data, "task: label " + std::to_string(i) + " is " + std::to_string(label) +
                                  "; labels must be 0 to " + std::to_string(class_count - 1));
    images[at(label)].push_back(i);
  }
  for (int c = 0; c < class_count; ++c) {
    classes[at(c)].in_file = static_cast<int>(images[at(c)].size());
    if (images[at(c)].empty() && classes[at(c)].role != Role::held_out)
      throw Error(Exit::data, "task: the training file has no image of class " + std::to_string(c) +
                                  "; hold that class out or get a complete file");
  }
  return images;
}

// Moves each class's validation images from `images` to the task.
void draw_validation(const TaskOptions& options, ByClass& images, Task& task) {
  for (int c = 0; c < class_count; ++c) {
    ClassDraw& draw = task.classes[at(c)];
    if (draw.role == Role::held_out) continue;
    draw.validation = static_cast<int>(std::lround(options.validation * draw.in_file));
    const std::vector<int> order =
        permutation(draw.in_file, options.seed, Stream::validation, static_cast<std::uint32_t>(c));
    std::vector<int> left;
    for (int i = 0; i < draw.in_file; ++i)
      (i < draw.validation ? task.validation : left).push_back(images[at(c)][at(order[at(i)])]);
    std::sort(left.begin(), left.end());
    images[at(c)] = std::move(left);
  }
  std::sort(task.validation.begin(), task.validation.end());
}

// All images that validation left to the classes of one role, ascending.
std::vector<int> pool_of(Role role, const ByClass& images, const Task& task) {
  std::vector<int> pool;
  for (int c = 0; c < class_count; ++c)
    if (task.classes[at(c)].role == role) pool.insert(pool.end(), images[at(c)].begin(), images[at(c)].end());
  std::sort(pool.begin(), pool.end());
  return pool;
}

// How many of the pool to take.
int number(int wanted, const std::vector<int>& pool, const std::string& kind) {
  const int there = static_cast<int>(pool.size());
  if (there == 0)
    throw Error(Exit::data, "task: validation leaves no " + kind + " image to train on; keep a smaller share for it");
  if (wanted > there)
    throw Error(Exit::data, "task: " + std::to_string(wanted) + " " + kind +
                                " training images asked for, but there are " + std::to_string(there) +
                                " that are not in validation; ask for fewer, or 0 for all");
  return wanted == 0 ? there : wanted;
}

// Each anomaly class's share, drawn from its own images.
void draw_by_class(const LabelledImages& train, const TaskOptions& options, const ByClass& images, int total,
                   Task& task) {
  std::vector<int> classes, room;
  for (int c = 0; c < class_count; ++c) {
    if (task.classes[at(c)].role != Role::anomaly) continue;
    classes.push_back(c);
    room.push_back(static_cast<int>(images[at(c)].size()));
  }
  const std::vector<int> share = deal(room, total);
  std::vector<ClusterSample> samples(classes.size());
  run_tasks(static_cast<int>(classes.size()), options.threads, [&](int i) {
    const int c = classes[at(i)];
    const auto sub = static_cast<std::uint32_t>(c);
    if (options.sampling == Sampling::random)
      samples[at(i)].chosen = sample_at_random(images[at(c)], share[at(i)], options.seed, sub);
    else
      samples[at(i)] =
          sample_by_cluster(train.images, images[at(c)], share[at(i)], options.clusters, options.seed, sub, 1);
  });
  for (std::size_t i = 0; i < classes.size(); ++i) {
    task.train_anomalous.insert(task.train_anomalous.end(), samples[i].chosen.begin(), samples[i].chosen.end());
    task.classes[at(classes[i])].clusters = std::move(samples[i].clusters);
  }
  std::sort(task.train_anomalous.begin(), task.train_anomalous.end());
}

std::string cluster_list(const std::vector<ClusterDraw>& clusters) {
  std::string text = "clusters (drawn/size)";
  for (const ClusterDraw& cluster : clusters) {
    text += ' ' + std::to_string(cluster.drawn);
    text += '/' + std::to_string(cluster.size);
  }
  return text;
}

}  // namespace

Task one_vs_rest(const LabelledImages& train, const TaskOptions& options) {
  Task task;
  check_numbers(options);
  assign_roles(options, task.classes);
  ByClass images = group(train, task.classes);
  draw_validation(options, images, task);

  const std::vector<int> normal = pool_of(Role::normal, images, task);
  task.train_normal =
      sample_at_random(normal, number(options.train_normal, normal, "normal"), options.seed, all_normal);

  const std::vector<int> anomalous = pool_of(Role::anomaly, images, task);
  const int total = options.train_anomalous == TaskOptions::balanced
                        ? static_cast<int>(std::min(task.train_normal.size(), anomalous.size()))
                        : number(options.train_anomalous, anomalous, "anomalous");
  if (options.sampling == Sampling::kmeans_joint) {
    ClusterSample sample = sample_by_cluster(train.images, anomalous, total, options.clusters, options.seed,
                                             all_anomalous, options.threads);
    task.train_anomalous = std::move(sample.chosen);
    task.joint_clusters = std::move(sample.clusters);
  } else {
    draw_by_class(train, options, images, total, task);
  }

  for (const int i : task.train_normal) ++task.classes[train.labels[at(i)]].train;
  for (const int i : task.train_anomalous) ++task.classes[train.labels[at(i)]].train;
  return task;
}

std::vector<std::string> describe(const Task& task) {
  std::vector<std::string> lines;
  for (int c = 0; c < class_count; ++c) {
    const ClassDraw& draw = task.classes[at(c)];
    std::string line = "class " + std::to_string(c) + ": ";
    if (draw.role == Role::held_out) {
      line += "held out, " + std::to_string(draw.in_file) + " images unused";
    } else {
      line += std::string(draw.role == Role::normal ? "normal" : "anomaly") + ", " + std::to_string(draw.train) +
              " of " + std::to_string(draw.in_file - draw.validation) + " images for training, " +
              std::to_string(draw.validation) + " for validation";
      if (!draw.clusters.empty()) line += "; " + cluster_list(draw.clusters);
    }
    lines.push_back(line);
  }
  if (!task.joint_clusters.empty()) lines.push_back("anomaly classes together: " + cluster_list(task.joint_clusters));
  return lines;
}

}  // namespace snag
