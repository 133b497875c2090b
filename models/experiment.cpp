#include "models/experiment.h"

#include <algorithm>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "data/idx.h"
#include "data/image_folder.h"
#include "data/one_vs_rest.h"

namespace snag {
namespace {

bool is_normal(const Config& c, int label) {
  return std::find(c.normal_class.begin(), c.normal_class.end(), label) != c.normal_class.end();
}

Labelled labelled(const Config& config, const LabelledImages& from, const std::vector<int>& indices) {
  Labelled to{resize(pick(from.images, indices), config.size), {}, {}};
  for (const int i : indices) {
    to.label.push_back(from.labels[static_cast<std::size_t>(i)]);
    to.anomaly.push_back(!is_normal(config, to.label.back()));
  }
  return to;
}

std::vector<int> all_of(const LabelledImages& set) {
  std::vector<int> indices;
  for (int i = 0; i < set.images.count; ++i) indices.push_back(i);
  return indices;
}

}  // namespace

Images pick(const Images& from, const std::vector<int>& indices) {
  Images to{static_cast<int>(indices.size()), from.height, from.width, {}, from.channels};
  for (const int i : indices) {
    const auto image = from.image(i);
    to.pixels.insert(to.pixels.end(), image.begin(), image.end());
  }
  return to;
}

Experiment load_experiment(const Config& config) {
  if (holds_image_folders(config.data)) return load_folder_experiment(config);
  if (config.channels == 3) throw Error(Exit::usage, "--channels is 3, but IDX files hold gray images: drop it");
  const LabelledImages train = read_split(config.data, "train"), test = read_split(config.data, "t10k");
  TaskOptions options{.normal_classes = config.normal_class,
                      .hold_out = config.hold_out,
                      .train_normal = config.train_normal,
                      .train_anomalous = config.train_anomalous,
                      .validation = config.validation,
                      .sampling = config.sampling == "kmeans"  ? Sampling::kmeans
                                  : config.sampling == "joint" ? Sampling::kmeans_joint
                                                               : Sampling::random,
                      .clusters = config.clusters,
                      .seed = config.seed,
                      .threads = config.threads > 0
                                     ? config.threads
                                     : std::max(1, static_cast<int>(std::thread::hardware_concurrency()))};
  // What trains on normal images alone needs no sample of anomalies.
  if (config.normal_only || !trains(config.model)) options.sampling = Sampling::random;
  const Task task = one_vs_rest(train, options);

  std::vector<int> order = task.train_normal;
  if (!config.normal_only && trains(config.model))
    order.insert(order.end(), task.train_anomalous.begin(), task.train_anomalous.end());
  std::string all;
  for (const LabelledImages* set : {&train, &test}) {
    all.append(set->images.pixels.begin(), set->images.pixels.end());
    all.append(set->labels.begin(), set->labels.end());
  }
  return {{resize(pick(train.images, order), config.size), static_cast<int>(task.train_normal.size())},
          labelled(config, train, task.validation),
          labelled(config, test, all_of(test)),
          describe(task),
          sha256(all)};
}

Gallery gallery(const Labelled& set, int each) {
  std::vector<int> normal, anomalous;
  std::vector<int> used(256, 0);  // labels are bytes
  for (int round = 0; round < each; ++round)
    for (int i = 0; i < set.images.count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      std::vector<int>& kind = set.anomaly[at] ? anomalous : normal;
      if (static_cast<int>(kind.size()) == each || (set.anomaly[at] && used[set.label[at]] > round)) continue;
      if (std::find(kind.begin(), kind.end(), i) != kind.end()) continue;
      kind.push_back(i);
      ++used[set.label[at]];
    }
  const int count = static_cast<int>(normal.size());
  normal.insert(normal.end(), anomalous.begin(), anomalous.end());
  return {pick(set.images, normal), count};
}

}  // namespace snag
