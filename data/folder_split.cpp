#include "data/folder_split.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/shuffle.h"
#include "data/at.h"
#include "data/sampling.h"

namespace snag {
namespace {

constexpr std::uint32_t of_normal = 256, of_anomalous = 257;  // sub-streams beyond those of the classes

int share_of(double share, int count) { return std::clamp(static_cast<int>(std::lround(share * count)), 1, count); }

int number(int wanted, int there, const std::string& kind) {
  if (wanted > there)
    throw Error(Exit::data, std::to_string(wanted) + " " + kind + " training images asked for, but there are " +
                                std::to_string(there) + "; ask for fewer, or 0 for all");
  return wanted == 0 ? there : wanted;
}

void append(std::vector<int>& to, const std::vector<int>& from, int begin, int count) {
  to.insert(to.end(), from.begin() + begin, from.begin() + begin + count);
}

}  // namespace

FolderSplit split_folder(const Images& images, const std::vector<std::uint8_t>& label, const std::vector<bool>& test,
                         bool parts, const std::vector<std::string>& classes, const SplitOptions& options) {
  FolderSplit split;
  std::vector<int> normal, anomalous;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    std::vector<int> pool;
    int tests = 0;
    for (int i = 0; i < images.count; ++i) {
      if (label[at(i)] != c) continue;
      (test[at(i)] ? split.test : pool).push_back(i);
      tests += test[at(i)];
    }
    const int n = static_cast<int>(pool.size()), least = parts ? 2 : 3;
    if (c == 0 && n < least)
      throw Error(Exit::data, "there are " + std::to_string(n) + " normal images to train on, of which some are kept " +
                                  (parts ? "for the threshold" : "for the threshold and the test") +
                                  "; give at least " + std::to_string(least));
    std::vector<int> order;
    for (const int p : permutation(n, options.seed, Stream::validation, static_cast<std::uint32_t>(c)))
      order.push_back(pool[at(p)]);
    if (!parts && n > 0) tests = share_of(options.test, n - (c == 0 ? 2 : 0));
    const int drawn = parts ? 0 : tests, left = n - drawn;
    const int validation = left == 0 ? 0 : share_of(options.validation, left - (c == 0 ? 1 : 0));
    append(split.test, order, 0, drawn);
    append(split.validation, order, drawn, validation);
    append(c == 0 ? normal : anomalous, order, drawn + validation, left - validation);
    split.account.push_back((c == 0 ? "normal images '" : "anomalies '") + classes[c] +
                            "': " + std::to_string(left - validation) + " for training, " + std::to_string(validation) +
                            " for the threshold, " + std::to_string(tests) + " for the test");
  }
  std::sort(normal.begin(), normal.end());
  std::sort(anomalous.begin(), anomalous.end());
  std::sort(split.validation.begin(), split.validation.end());
  std::sort(split.test.begin(), split.test.end());

  const int normals = number(options.train_normal, static_cast<int>(normal.size()), "normal");
  const int there = static_cast<int>(anomalous.size());
  const int wanted = options.train_anomalous == SplitOptions::balanced
                         ? std::min(normals, there)
                         : number(options.train_anomalous, there, "anomalous");
  split.train_normal = sample_at_random(normal, normals, options.seed, of_normal);
  split.train_anomalous = options.by_cluster ? sample_by_cluster(images, anomalous, wanted, options.clusters,
                                                                 options.seed, of_anomalous, options.threads)
                                                   .chosen
                                             : sample_at_random(anomalous, wanted, options.seed, of_anomalous);
  split.account.push_back("of these, training takes " + std::to_string(normals) + " normal and " +
                          std::to_string(wanted) + " anomalous images; seed " + std::to_string(options.seed));
  return split;
}

}  // namespace snag
