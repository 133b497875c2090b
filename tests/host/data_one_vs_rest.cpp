#include "data/one_vs_rest.h"

#include <algorithm>
#include <set>

#include "tests/host/data_files.h"

using namespace snag;
using data_test::make_data;

namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

std::vector<int> count_classes(const LabelledImages& data, const std::vector<int>& indices) {
  std::vector<int> count(class_count, 0);
  for (const int i : indices) ++count[data.labels[at(i)]];
  return count;
}

bool same(const Task& a, const Task& b) {
  return a.train_normal == b.train_normal && a.train_anomalous == b.train_anomalous && a.validation == b.validation &&
         describe(a) == describe(b);
}

bool contains(const std::vector<int>& all, const std::vector<int>& some) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

constexpr Sampling samplings[] = {Sampling::kmeans, Sampling::kmeans_joint, Sampling::random};

}  // namespace

TEST_CASE("one_vs_rest: ascending lists without a common image, of the asked sizes and classes") {
  const LabelledImages data = make_data(40);
  for (const Sampling sampling : samplings) {
    TaskOptions options;
    options.normal_classes = {3};
    options.train_normal = 20;
    options.train_anomalous = 100;
    options.validation = 0.25;
    options.clusters = 4;
    options.sampling = sampling;
    const Task task = one_vs_rest(data, options);
    CHECK(task.train_normal.size() == 20);
    CHECK(task.train_anomalous.size() == 100);
    CHECK(count_classes(data, task.validation) == std::vector<int>(class_count, 10));
    CHECK(count_classes(data, task.train_normal)[3] == 20);
    CHECK(count_classes(data, task.train_anomalous)[3] == 0);
    std::set<int> all;
    for (const auto* list : {&task.train_normal, &task.train_anomalous, &task.validation}) {
      CHECK(std::is_sorted(list->begin(), list->end()));
      all.insert(list->begin(), list->end());
    }
    CHECK(all.size() == 20 + 100 + 100);
    CHECK(*all.begin() >= 0);
    CHECK(*all.rbegin() < 400);
  }
}

TEST_CASE("one_vs_rest: every class gets the same share, the lowest ones the remainder") {
  const LabelledImages data = make_data(40);
  for (const Sampling sampling : {Sampling::kmeans, Sampling::random}) {
    TaskOptions options;
    options.normal_classes = {1};
    options.hold_out = {0};
    options.train_anomalous = 101;
    options.sampling = sampling;
    CHECK(count_classes(data, one_vs_rest(data, options).train_anomalous) ==
          std::vector<int>{0, 0, 13, 13, 13, 13, 13, 12, 12, 12});
  }
}

TEST_CASE("one_vs_rest: a class that is too small is topped up evenly from the others") {
  const LabelledImages data = make_data({40, 40, 3, 40, 40, 40, 40, 40, 7, 40});
  TaskOptions options;
  options.validation = 0;
  options.train_anomalous = 9 * 10 + 1;  // 3 and 7 fall short by 7 and 3, which seven classes make up
  CHECK(count_classes(data, one_vs_rest(data, options).train_anomalous) ==
        std::vector<int>{0, 12, 3, 12, 12, 12, 11, 11, 7, 11});
}

TEST_CASE("one_vs_rest: every cluster of a class gives the same number") {
  const LabelledImages data = make_data(60);
  TaskOptions options;
  options.train_anomalous = 9 * 14;
  options.clusters = 5;
  const Task task = one_vs_rest(data, options);
  for (int c = 1; c < class_count; ++c) {
    const auto& clusters = task.classes[at(c)].clusters;
    REQUIRE(clusters.size() == 5);
    int size = 0, drawn = 0, most = 0;
    for (const ClusterDraw& cluster : clusters) {
      size += cluster.size;
      drawn += cluster.drawn;
      most = std::max(most, cluster.drawn);
      CHECK(cluster.drawn <= cluster.size);
    }
    for (const ClusterDraw& cluster : clusters) CHECK((cluster.drawn == cluster.size || cluster.drawn >= most - 1));
    CHECK(size == 57);
    CHECK(drawn == 14);
  }
}

TEST_CASE("one_vs_rest: every subset size works, down to one image, and a smaller one is part of a larger one") {
  const LabelledImages data = make_data({12, 12, 3, 12, 12, 12, 12, 12, 12, 1});
  for (const Sampling sampling : samplings) {
    TaskOptions options;
    options.validation = 0.1;
    options.sampling = sampling;
    options.clusters = 4;
    options.train_anomalous = 0;
    Task larger = one_vs_rest(data, options);
    const int all = static_cast<int>(larger.train_anomalous.size());
    CHECK(all == 7 * 11 + 3 + 1);
    for (int n = all; n >= 1; --n) {
      options.train_anomalous = n;
      options.train_normal = n % 11 + 1;
      const Task task = one_vs_rest(data, options);
      CHECK(task.train_anomalous.size() == at(n));
      CHECK(task.train_normal.size() == at(n % 11 + 1));
      CHECK(contains(larger.train_anomalous, task.train_anomalous));
      CHECK(task.validation == larger.validation);
      larger = task;
    }
  }
}

TEST_CASE("one_vs_rest: 0 takes all images that validation leaves") {
  const LabelledImages data = make_data(20);
  TaskOptions options;
  options.normal_classes = {2, 7};
  options.train_anomalous = 0;
  const Task task = one_vs_rest(data, options);
  CHECK(count_classes(data, task.train_normal) == std::vector<int>{0, 0, 19, 0, 0, 0, 0, 19, 0, 0});
  CHECK(count_classes(data, task.train_anomalous) == std::vector<int>{19, 19, 0, 19, 19, 19, 19, 0, 19, 19});
}

TEST_CASE("one_vs_rest: balanced takes as many anomalies as normal images, at most all") {
  const LabelledImages data = make_data(40);
  TaskOptions options;
  options.train_anomalous = TaskOptions::balanced;
  options.validation = 0.25;
  CHECK(one_vs_rest(data, options).train_anomalous.size() == 30);
  options.train_normal = 7;
  CHECK(one_vs_rest(data, options).train_anomalous.size() == 7);
  options.normal_classes = {0, 1, 2, 3, 4, 5, 6, 7};
  options.train_normal = 0;
  CHECK(one_vs_rest(data, options).train_anomalous.size() == 60);
}

TEST_CASE("one_vs_rest: a held-out class is in no list") {
  const LabelledImages data = make_data(20);
  TaskOptions options;
  options.hold_out = {4, 9};
  options.train_anomalous = 50;
  const Task task = one_vs_rest(data, options);
  for (const auto* list : {&task.train_normal, &task.train_anomalous, &task.validation}) {
    CHECK(count_classes(data, *list)[4] == 0);
    CHECK(count_classes(data, *list)[9] == 0);
  }
  CHECK(task.validation.size() == 8);
}

TEST_CASE("one_vs_rest: the validation share is rounded in each class, and drawn from the labels and the seed alone") {
  const LabelledImages data = make_data({10, 20, 30, 9, 49, 50, 51, 70, 100, 1});
  TaskOptions options;
  options.train_anomalous = 5;
  const Task task = one_vs_rest(data, options);
  CHECK(count_classes(data, task.validation) == std::vector<int>{1, 1, 2, 0, 2, 3, 3, 4, 5, 0});
  options.normal_classes = {8};
  options.sampling = Sampling::random;
  options.train_anomalous = 50;
  CHECK(one_vs_rest(data, options).validation == task.validation);
}

TEST_CASE("one_vs_rest: clusters are fitted on training anomalies only") {
  LabelledImages data = make_data(40);
  for (const Sampling sampling : samplings) {
    TaskOptions options;
    options.hold_out = {5};
    options.validation = 0.2;
    options.train_anomalous = 70;
    options.clusters = 4;
    options.sampling = sampling;
    const Task before = one_vs_rest(data, options);
    LabelledImages other = data;
    const auto overwrite = [&](int i) {
      std::fill_n(other.images.pixels.begin() + i * 16, 16, static_cast<std::uint8_t>(i));
    };
    for (const int i : before.validation) overwrite(i);
    for (int i = 0; i < data.images.count; ++i)
      if (data.labels[at(i)] == 0 || data.labels[at(i)] == 5) overwrite(i);
    CHECK(same(one_vs_rest(other, options), before));
  }
}

TEST_CASE("one_vs_rest: threads do not change the task, the seed does") {
  const LabelledImages data = make_data(60);
  for (const Sampling sampling : samplings) {
    TaskOptions options;
    options.sampling = sampling;
    options.train_anomalous = 90;
    options.train_normal = 30;
    const Task one = one_vs_rest(data, options);
    for (const int threads : {1, 2, 5, 32}) {
      options.threads = threads;
      CHECK(same(one_vs_rest(data, options), one));
    }
    options.seed = 1;
    const Task other = one_vs_rest(data, options);
    CHECK(other.validation != one.validation);
    CHECK(other.train_normal != one.train_normal);
    CHECK(other.train_anomalous != one.train_anomalous);
  }
}

TEST_CASE("one_vs_rest: a seed's draw stays what it was") {
  TaskOptions options;
  options.sampling = Sampling::random;
  options.train_normal = 4;
  options.train_anomalous = 10;
  const Task task = one_vs_rest(make_data(20), options);
  CHECK(task.validation == std::vector<int>{30, 37, 48, 49, 81, 112, 163, 176, 184, 185});
  CHECK(task.train_normal == std::vector<int>{90, 110, 120, 160});
  CHECK(task.train_anomalous == std::vector<int>{5, 6, 21, 102, 104, 138, 139, 171, 183, 187});
}

TEST_CASE("one_vs_rest: joint clusters each give the same number, over all anomaly classes") {
  const LabelledImages data = make_data(50);
  TaskOptions options;
  options.sampling = Sampling::kmeans_joint;
  options.clusters = 3;
  options.train_anomalous = 60;
  const Task task = one_vs_rest(data, options);
  REQUIRE(task.joint_clusters.size() == 3);
  int size = 0;
  for (const ClusterDraw& cluster : task.joint_clusters) {
    CHECK(cluster.drawn == 20);
    size += cluster.size;
  }
  CHECK(size == 9 * 47);  // 3 of 50, 2.5 rounded, are in validation
  CHECK(task.classes[1].clusters.empty());
}

TEST_CASE("one_vs_rest: the log says what was drawn") {
  TaskOptions options;
  options.hold_out = {9};
  options.train_anomalous = 8 * 4;
  options.clusters = 1;
  const std::vector<std::string> lines = describe(one_vs_rest(make_data(20), options));
  REQUIRE(lines.size() == 10);
  CHECK(lines[0] == "class 0: normal, 19 of 19 images for training, 1 for validation");
  CHECK(lines[1] == "class 1: anomaly, 4 of 19 images for training, 1 for validation; clusters (drawn/size) 4/19");
  CHECK(lines[9] == "class 9: held out, 20 images unused");
  options.sampling = Sampling::kmeans_joint;
  const std::vector<std::string> joint = describe(one_vs_rest(make_data(20), options));
  REQUIRE(joint.size() == 11);
  CHECK(joint[10] == "anomaly classes together: clusters (drawn/size) 32/152");
}
