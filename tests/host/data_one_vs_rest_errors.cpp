#include <limits>

#include "data/one_vs_rest.h"
#include "tests/host/data_files.h"

using namespace snag;
using data_test::check_error;
using data_test::make_data;

TEST_CASE("one_vs_rest: impossible options are refused with exit code usage") {
  const LabelledImages data = make_data(5);
  const auto refuse = [&](void (*change)(TaskOptions&), const char* message) {
    TaskOptions options;
    options.train_anomalous = 9;
    change(options);
    check_error([&] { one_vs_rest(data, options); }, Exit::usage, message);
  };
  using O = TaskOptions;
  refuse([](O& o) { o.normal_classes = {}; }, "no normal class; name at least one");
  refuse([](O& o) { o.normal_classes = {10}; }, "normal class 10 does not exist; give 0 to 9");
  refuse([](O& o) { o.normal_classes = {-1}; }, "normal class -1 does not exist");
  refuse([](O& o) { o.hold_out = {12}; }, "held-out class 12 does not exist");
  refuse([](O& o) { o.normal_classes = {3, 1, 3}; }, "class 3 is normal twice; name it once");
  refuse([](O& o) { o.hold_out = {3, 3}; }, "class 3 is held-out twice; name it once");
  refuse([](O& o) { o.hold_out = {0}; }, "class 0 is both normal and held out");
  refuse([](O& o) { o.normal_classes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}; }, "every class is normal");
  refuse([](O& o) { o.hold_out = {1, 2, 3, 4, 5, 6, 7, 8, 9}; }, "no anomaly class is left to train on");
  refuse([](O& o) { o.train_normal = -1; }, "a negative number of training images");
  refuse([](O& o) { o.train_anomalous = -2; }, "a negative number of training images");
  refuse([](O& o) { o.validation = 1; }, "validation share 1.000000; give one from 0 to below 1");
  refuse([](O& o) { o.validation = -0.1; }, "validation share -0.1");
  refuse([](O& o) { o.validation = std::numeric_limits<double>::quiet_NaN(); }, "validation share nan");
  refuse([](O& o) { o.clusters = 0; }, "0 clusters; give at least 1");
  refuse([](O& o) { o.threads = 0; }, "0 threads; give at least 1");
}

TEST_CASE("one_vs_rest: data that cannot give the task are refused with exit code data") {
  TaskOptions options;
  options.train_anomalous = 9;
  const auto refuse = [&](const LabelledImages& data, const char* message) {
    check_error([&] { one_vs_rest(data, options); }, Exit::data, message);
  };
  LabelledImages data = make_data(5);
  data.labels.pop_back();
  refuse(data, "49 labels for 50 images");
  data.labels.push_back(10);
  refuse(data, "label 49 is 10; labels must be 0 to 9");
  refuse(make_data({5, 5, 5, 0, 5, 5, 5, 5, 5, 5}), "the training file has no image of class 3; hold that class out");
  refuse(make_data({0, 5, 5, 5, 5, 5, 5, 5, 5, 5}), "no image of class 0");

  options.train_anomalous = 46;
  refuse(make_data(5), "46 anomalous training images asked for, but there are 45 that are not in validation");
  options.train_anomalous = 45;
  CHECK(one_vs_rest(make_data(5), options).train_anomalous.size() == 45);
  options.train_normal = 6;
  refuse(make_data(5), "6 normal training images asked for, but there are 5");
  options.train_normal = 0;
  options.validation = 0.9;
  refuse(make_data(5), "validation leaves no normal image to train on; keep a smaller share");
  refuse(make_data({9, 1, 1, 1, 1, 1, 1, 1, 1, 1}), "validation leaves no anomalous image to train on");
}

TEST_CASE("one_vs_rest: a class that is held out may be missing from the file") {
  TaskOptions options;
  options.hold_out = {3};
  options.train_anomalous = 8;
  CHECK(one_vs_rest(make_data({5, 5, 5, 0, 5, 5, 5, 5, 5, 5}), options).train_anomalous.size() == 8);
}
