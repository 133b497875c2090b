#include "models/metrics.h"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "tests/error_of.h"
#include "tests/temp_folder.h"

namespace snag {
namespace {

using Scores = std::vector<float>;
using Flags = std::vector<std::uint8_t>;

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

struct Sample {
  float threshold;
  Scores score;
  Flags anomaly;
};

// Vector `v` of 2 to 400 scores; many ties in two of three, some anomalies higher, both kinds present.
Sample draw_sample(std::uint64_t v) {
  const auto draw = [&](std::uint32_t purpose, std::uint64_t i) {
    return philox(7, Stream::sample, purpose, v << 20 | i);
  };
  const int n = 2 + draw(0, 0).below(0, 399);
  const int levels = v % 3 == 0 ? 1 << 24 : 1 + draw(0, 0).below(1, 30);
  const int share = 1 + draw(0, 0).below(2, 9);
  Sample s{0, {}, {}};
  for (int i = 0; i < n; ++i) {
    const Draw d = draw(1, static_cast<std::uint64_t>(i));
    s.anomaly.push_back(i < 2 ? static_cast<std::uint8_t>(i) : d.below(0, 10) < share ? 1 : 0);
    s.score.push_back(static_cast<float>(d.below(1, levels) + s.anomaly.back() * d.below(2, levels)) - 3.5f);
  }
  s.threshold = s.score[static_cast<std::size_t>(draw(2, 0).below(0, n))];
  return s;
}

template <typename T>
void append(std::string& bytes, const T* values, std::size_t n) {
  bytes.append(reinterpret_cast<const char*>(values), n * sizeof(T));
}

void check_refused(const Scores& score, const Flags& anomaly, std::string_view what) {
  check_error(error_of([&] { auroc(score, anomaly); }), Exit::data, {"metrics: ", what});
  check_error(error_of([&] { average_precision(score, anomaly); }), Exit::data, {what});
  check_error(error_of([&] { best_f1(score, anomaly); }), Exit::data, {what});
  check_error(error_of([&] { best_balanced_accuracy(score, anomaly); }), Exit::data, {what});
  check_error(error_of([&] { f1_at(score, anomaly, 0); }), Exit::data, {what});
  check_error(error_of([&] { balanced_accuracy(score, anomaly, 0); }), Exit::data, {what});
}

TEST_CASE("all figures agree with scikit-learn on 1000 vectors with ties") {
  const int vectors = 1000;
  std::string raw;
  for (int v = 0; v < vectors; ++v) {
    const Sample s = draw_sample(static_cast<std::uint64_t>(v));
    const auto n = static_cast<std::int32_t>(s.score.size());
    append(raw, &n, 1);
    append(raw, &s.threshold, 1);
    append(raw, s.score.data(), s.score.size());
    append(raw, s.anomaly.data(), s.anomaly.size());
  }
  const TempFolder folder;
  write_file(folder / "vectors", raw);
  const std::string command = "/usr/bin/python3 " SNAG_SOURCE_DIR "/tests/oracle/roc.py " + folder / "vectors";
  std::FILE* oracle = ::popen(command.c_str(), "r");
  REQUIRE(oracle != nullptr);
  int agreed = 0;
  std::array<double, 5> want;
  for (int v = 0; v < vectors; ++v) {
    if (std::fscanf(oracle, "%lf %lf %lf %lf %lf", &want[0], &want[1], &want[2], &want[3], &want[4]) != 5) {
      break;
    }
    const Sample s = draw_sample(static_cast<std::uint64_t>(v));
    const std::array<double, 5> got{auroc(s.score, s.anomaly), average_precision(s.score, s.anomaly),
                                    best_f1(s.score, s.anomaly).f1, f1_at(s.score, s.anomaly, s.threshold),
                                    balanced_accuracy(s.score, s.anomaly, s.threshold)};
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(v);
      CAPTURE(i);
      CHECK(std::abs(got[i] - want[i]) <= 1e-12);
    }
    ++agreed;
  }
  const int status = ::pclose(oracle);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
    MESSAGE("skipped: no scikit-learn for /usr/bin/python3");
    return;
  }
  CHECK(status == 0);
  CHECK(agreed == vectors);
}

TEST_CASE("auroc counts pairs: 1 when all anomalies are higher, 0 when lower, ties half") {
  CHECK(auroc(Scores{1, 2, 3, 4}, Flags{0, 0, 1, 1}) == 1);
  CHECK(auroc(Scores{4, 3, 2, 1}, Flags{0, 0, 1, 1}) == 0);
  CHECK(auroc(Scores{5, 5, 5}, Flags{0, 1, 0}) == 0.5);
  CHECK(auroc(Scores{1, 2, 2, 3}, Flags{0, 1, 0, 1}) == 3.5 / 4);
}

TEST_CASE("infinite scores are ranked at the ends, and both zeros are equal") {
  CHECK(auroc(Scores{-inf, 0, inf, inf}, Flags{0, 0, 1, 0}) == 2.5 / 3);
  CHECK(auroc(Scores{0.0f, -0.0f}, Flags{0, 1}) == 0.5);
  CHECK(best_f1(Scores{-inf, inf}, Flags{0, 1}).threshold == inf);
}

TEST_CASE("average precision sums precision at each step of recall") {
  // scores from the top: 1 anomaly, then a normal one, then an anomaly: 1/2 * 1 + 1/2 * 2/3
  CHECK(average_precision(Scores{3, 2, 1}, Flags{1, 0, 1}) == doctest::Approx(5.0 / 6).epsilon(1e-15));
  // all equal: one threshold, its precision is the share of anomalies
  CHECK(average_precision(Scores{1, 1, 1, 1}, Flags{1, 0, 0, 0}) == 0.25);
  Scores rising(1000);
  std::iota(rising.begin(), rising.end(), 0.F);
  Flags above(1000, 1);
  std::fill_n(above.begin(), 460, std::uint8_t{0});
  CHECK(average_precision(rising, above) == 1);  // to the last bit: a share
}

TEST_CASE("no figure depends on the order of equal scores") {
  const Scores score{1, 1, 1, 2, 2, 0};
  const Flags a{1, 0, 0, 1, 0, 0}, b{0, 0, 1, 0, 1, 0};
  CHECK(auroc(score, a) == auroc(score, b));
  CHECK(average_precision(score, a) == average_precision(score, b));
  CHECK(best_f1(score, a).threshold == best_f1(score, b).threshold);
}

TEST_CASE("best_f1 returns a score whose F1 is the highest, and the highest such score") {
  const BestF1 best = best_f1(Scores{1, 2, 3, 4, 5}, Flags{0, 0, 1, 1, 0});
  CHECK(best.threshold == 3);
  CHECK(best.f1 == doctest::Approx(0.8).epsilon(1e-15));
  // >= 4 finds 1 of 2 with 1 alarm: 2/3; >= 1 finds 2 of 2 with 4 alarms: 4/6, the same
  const BestF1 tied = best_f1(Scores{4, 3, 2, 1}, Flags{1, 0, 0, 1});
  CHECK(tied.threshold == 4);
  CHECK(tied.f1 == 2.0 / 3);
  for (std::uint64_t v = 0; v < 50; ++v) {
    const Sample s = draw_sample(v);
    const BestF1 found = best_f1(s.score, s.anomaly);
    CHECK(f1_at(s.score, s.anomaly, found.threshold) == found.f1);
    for (const float t : s.score) {
      const double other = f1_at(s.score, s.anomaly, t);
      CHECK((other < found.f1 || (other == found.f1 && t <= found.threshold)));
    }
  }
}

TEST_CASE("best_balanced_accuracy returns a score whose balanced accuracy is the highest, and the highest such score") {
  for (std::uint64_t v = 0; v < 50; ++v) {
    const Sample s = draw_sample(v);
    const BestBalanced found = best_balanced_accuracy(s.score, s.anomaly);
    CHECK(balanced_accuracy(s.score, s.anomaly, found.threshold) == found.accuracy);
    CHECK(std::count(s.score.begin(), s.score.end(), found.threshold) > 0);
    for (const float t : s.score) {
      const double other = balanced_accuracy(s.score, s.anomaly, t);
      CHECK((other < found.accuracy + 1e-12));
      if (t > found.threshold) CHECK(other < found.accuracy);
    }
  }
  CHECK(best_balanced_accuracy(Scores{1, 2, 3, 4}, Flags{1, 1, 0, 0}).accuracy == 0.5);  // all are alarms
}

TEST_CASE("a threshold is an alarm at equality, and may lie beyond all scores") {
  const Scores score{1, 2, 3};
  const Flags anomaly{0, 1, 1};
  CHECK(f1_at(score, anomaly, 2) == 1);
  CHECK(balanced_accuracy(score, anomaly, 2) == 1);
  CHECK(f1_at(score, anomaly, 9) == 0);
  CHECK(balanced_accuracy(score, anomaly, 9) == 0.5);
  CHECK(balanced_accuracy(score, anomaly, 3) == 0.75);
  CHECK(balanced_accuracy(score, anomaly, -inf) == 0.5);
}

TEST_CASE("auroc_per_class is auroc of that class against the normal ones") {
  const Scores score{1, 5, 2, 3, 0, 2, 7};
  const Flags label{4, 4, 0, 9, 9, 7, 0};
  const std::map<int, double> result = auroc_per_class(score, label, {4, 7});
  CHECK(result.size() == 2);
  CHECK(result.at(0) == auroc(Scores{1, 5, 2, 2, 7}, Flags{0, 0, 0, 1, 1}));
  CHECK(result.at(9) == auroc(Scores{1, 5, 2, 3, 0}, Flags{0, 0, 0, 1, 1}));
}

TEST_CASE("auroc over all anomalies is the mean of the classes weighted by their sizes") {
  const Sample s = draw_sample(3);
  Flags label = s.anomaly;
  double ones = 0, all = 0;
  for (std::size_t i = 0; i < label.size(); ++i) {
    label[i] = label[i] == 0 ? 0 : i % 3 == 0 ? 2 : 1;
    ones += label[i] == 1 ? 1 : 0;
    all += label[i] != 0 ? 1 : 0;
  }
  const std::map<int, double> by_class = auroc_per_class(s.score, label, {0});
  CHECK((by_class.at(1) * ones + by_class.at(2) * (all - ones)) / all ==
        doctest::Approx(auroc(s.score, s.anomaly)).epsilon(1e-13));
}

TEST_CASE("one kind only, NaN, other lengths and other flags are refused by every figure") {
  check_refused({}, {}, "0 samples are of one kind");
  check_refused({1, 2}, {1, 1}, "one kind");
  check_refused({1, 2}, {0, 0}, "one kind");
  check_refused({1, nan}, {0, 1}, "score 1 is NaN");
  check_refused({1, 2, 3}, {0, 1}, "3 scores, but 2 labels");
  check_refused({1, 2, 3}, {0, 1, 9}, "flag is 9");
  check_error(error_of([] { f1_at(Scores{1, 2}, Flags{0, 1}, nan); }), Exit::data, {"threshold is NaN"});
  check_error(error_of([] { balanced_accuracy(Scores{1, 2}, Flags{0, 1}, nan); }), Exit::data, {"threshold is NaN"});
}

TEST_CASE("auroc_per_class refuses what leaves nothing to compare") {
  const auto refused = [](const Scores& score, const Flags& label, const std::vector<int>& normal) {
    return error_of([&] { auroc_per_class(score, label, normal); }).code() == Exit::data;
  };
  CHECK(refused({1, 2}, {0, 1}, {}));
  CHECK(refused({1, 2}, {0, 1}, {3}));
  CHECK(refused({1, 2}, {0, 1}, {0, 1}));
  CHECK(refused({1, 2}, {0, 1}, {0, -1}));
  CHECK(refused({1, nan}, {0, 1}, {0}));
  CHECK(refused({1}, {0, 1}, {0}));
}

TEST_CASE("a million scores of one value take no quadratic time") {
  const Scores score(1'000'000, 1);
  Flags anomaly(score.size(), 0);
  std::fill_n(anomaly.begin(), 10, std::uint8_t{1});
  CHECK(auroc(score, anomaly) == 0.5);
  CHECK(average_precision(score, anomaly) == 1e-5);
}

}  // namespace
}  // namespace snag
