#include "models/cases.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "models/confidence.h"
#include "models/metrics.h"

namespace snag {
namespace {

std::vector<int> of_kind(const std::vector<Case>& cases, CaseKind kind) {
  std::vector<int> indices;
  for (const Case& c : cases)
    if (c.kind == kind) indices.push_back(c.index);
  return indices;
}

TEST_CASE("cases: the worst, the nearest and the clearest of each kind, none twice") {
  const std::vector<float> score{0.1f, 0.45f, 0.7f, 0.9f, 0.2f, 0.4f, 0.55f, 0.95f, 0.8f};
  const std::vector<std::uint8_t> anomaly{0, 0, 0, 0, 1, 1, 1, 1, 1};
  const std::vector<Case> cases = choose_cases(score, anomaly, 0.5f, 2);
  CHECK(of_kind(cases, CaseKind::missed) == std::vector<int>{4, 5});
  CHECK(of_kind(cases, CaseKind::false_alarm) == std::vector<int>{3, 2});
  CHECK(of_kind(cases, CaseKind::borderline) == std::vector<int>{1, 6});
  CHECK(of_kind(cases, CaseKind::found) == std::vector<int>{7, 8});
  CHECK(of_kind(cases, CaseKind::passed) == std::vector<int>{0});
}

struct Sample {
  std::vector<float> score;
  std::vector<std::uint8_t> anomaly;
};

// Two normal distributions that lie `apart` standard deviations from each other.
Sample gaussian(int normals, int anomalies, double apart) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, 1);
  Sample s;
  for (int i = 0; i < normals + anomalies; ++i) {
    s.anomaly.push_back(i >= normals ? 1 : 0);
    s.score.push_back(normal(random) + (i >= normals ? static_cast<float>(apart) : 0));
  }
  return s;
}

// Hanley and McNeil 1982, equations 1 and 2.
double standard_error(double area, double normals, double anomalies) {
  const double q1 = area / (2 - area), q2 = 2 * area * area / (1 + area);
  return std::sqrt((area * (1 - area) + (anomalies - 1) * (q1 - area * area) + (normals - 1) * (q2 - area * area)) /
                   (normals * anomalies));
}

TEST_CASE("confidence: the interval of AUROC is as wide as Hanley and McNeil's") {
  const Sample s = gaussian(300, 500, 1.5);
  const double area = auroc(s.score, s.anomaly);
  const Confidence c = bootstrap(s.score, s.anomaly);
  CHECK(c.auroc.low < area);
  CHECK(c.auroc.high > area);
  // The formula supposes exponential scores, and 400 draws leave some noise: within a fifth.
  CHECK((c.auroc.high - c.auroc.low) / (2 * 1.96 * standard_error(area, 300, 500)) == doctest::Approx(1).epsilon(0.2));
}

TEST_CASE("confidence: bands lie around the curves of the distributions and close at their ends") {
  const Sample s = gaussian(2000, 2000, 1);
  const Confidence c = bootstrap(s.score, s.anomaly);
  CHECK(c.roc.low.back().y == 1);
  CHECK(c.precision_recall.high.back().x == 1);
  const auto upper = [](double x) { return 0.5 * std::erfc(x / std::sqrt(2)); };
  int inside = 0, all = 0;
  for (std::size_t i = 5; i < 95; i += 5) {
    // The threshold t at which the share x of the normal ones is reported, by bisection.
    double low = -9, high = 9;
    for (int k = 0; k < 60; ++k) (upper((low + high) / 2) > c.roc.low[i].x ? low : high) = (low + high) / 2;
    const double truth = upper(low - 1);
    inside += c.roc.low[i].y <= truth + 0.01 && truth - 0.01 <= c.roc.high[i].y;
    ++all;
    CHECK(c.roc.low[i].y < c.roc.high[i].y);
  }
  CHECK(inside == all);
}

TEST_CASE("confidence: where one score tells all, nothing is uncertain") {
  const std::vector<float> score{0, 0, 1, 1, 1};
  const std::vector<std::uint8_t> anomaly{0, 0, 1, 1, 1};
  const Confidence c = bootstrap(score, anomaly);
  CHECK(c.auroc.low == 1);
  CHECK(c.average_precision.low == doctest::Approx(1));
  for (const Point p : c.precision_recall.low) CHECK(p.y == 1);
}

}  // namespace
}  // namespace snag
