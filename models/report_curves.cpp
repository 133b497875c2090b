#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/markup.h"
#include "models/confidence.h"
#include "models/report_parts.h"

namespace snag {
namespace {

double share_reported(const RunRecord& run, int kind) { return reported(run, kind) / number_of(run, kind); }

std::string with_interval(const std::string& name, double value, Interval i) {
  return name + " " + decimal(value, 4) + " (" + decimal(i.low, 4) + " to " + decimal(i.high, 4) + ")";
}

constexpr const char* kBand = " Band and brackets: 95% by the bootstrap, 400 times over the test images, kind by kind.";

std::string roc_figure(const RunRecord& run, const Confidence& confidence) {
  const std::vector<Point> curve = roc_curve(run);
  const Point chosen{share_reported(run, 0), share_reported(run, 1)};
  Plot plot("ROC curve of the test file", {"normal images reported", 0, 1, Ticks::percent},
            {"anomalies reported", 0, 1, Ticks::percent});
  plot.band(confidence.roc.low, confidence.roc.high, "c-roc");
  plot.dashed({0, 0}, {1, 1}, "c-soft");
  plot.line(curve, "c-roc");
  const std::string rates =
      percentage(chosen.y) + " of the anomalies and " + percentage(chosen.x) + " of the normal images reported";
  plot.mark(chosen, Mark::dot, "c-ink", rates);
  return figure("ROC curve, test file",
                {{"stroke c-roc", "", with_interval("AUROC", get_real(run.summary, "auroc", 0, 1), confidence.auroc)},
                 {"dash c-soft", "", "guessing"},
                 {"c-ink", "●", "at the threshold"}},
                plot.svg(), "At the threshold: " + rates + "." + kBand);
}

std::string precision_recall_figure(const RunRecord& run, const Confidence& confidence) {
  const std::vector<Point> curve = precision_recall_curve(run);
  const double base = number_of(run, 1) / (number_of(run, 0) + number_of(run, 1));
  double low = base;
  for (const Point p : confidence.precision_recall.low) low = std::min(low, p.y);
  for (const Point p : curve) low = std::min(low, p.y);
  Axis y = rounded({"precision: true among the reported", low, 1, Ticks::percent});
  y.low = std::max(y.low, 0.0);
  y.high = 1;
  Plot plot("Precision-recall curve of the test file", {"recall: anomalies reported", 0, 1, Ticks::percent}, y);
  plot.band(confidence.precision_recall.low, confidence.precision_recall.high, "c-pr");
  plot.dashed({0, base}, {1, base}, "c-soft");
  plot.line(curve, "c-pr");
  const double hits = reported(run, 1), alarms = reported(run, 0);
  std::string remark = "Nothing is reported at the threshold.";
  if (hits + alarms > 0) {
    const double precision = hits / (hits + alarms), recall = hits / number_of(run, 1);
    remark = "At the threshold: precision " + percentage(precision) + ", recall " + percentage(recall) + ".";
    plot.mark({recall, precision}, Mark::dot, "c-ink", remark);
  }
  return figure("Precision and recall, test file",
                {{"stroke c-pr", "",
                  with_interval("average precision", get_real(run.summary, "average_precision", 0, 1),
                                confidence.average_precision)},
                 {"dash c-soft", "", "reporting everything"},
                 {"c-ink", "●", "at the threshold"}},
                plot.svg(), remark + kBand);
}

std::string confusion_matrix(const RunRecord& run) {
  const auto cell = [&](int kind, double count, bool right) {
    const double share = count / number_of(run, kind);
    return std::string("<td class=\"") + (right ? "right" : "wrong") + "\"><strong>" + grouped(std::llround(count)) +
           "</strong><small>" + percentage(share) + "</small></td>";
  };
  const auto row = [&](int kind, const std::string& name) {
    const double alarms = reported(run, kind), silent = number_of(run, kind) - alarms;
    return "<tr><th>" + name + "</th>" + cell(kind, silent, kind == 0) + cell(kind, alarms, kind == 1) + "</tr>\n";
  };
  return figure(
      "Decisions at the threshold", {},
      "<table class=\"matrix\"><thead><tr><th>image</th><th>passed</th><th>reported</th></tr></thead><tbody>\n" +
          row(0, "normal") + row(1, "anomalous") + "</tbody></table>\n",
      "Per cent of the row: of the normal images, of the anomalous ones.");
}

// Calls step(normal images reported, anomalies reported) at each threshold, from the highest score down.
template <class Step>
void for_each_threshold(const RunRecord& run, Step step) {
  std::vector<std::size_t> order(run.score.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return run.score[a] > run.score[b]; });
  double found[2] = {0, 0};
  for (std::size_t i = 0; i < order.size(); ++i) {
    ++found[run.anomaly[order[i]]];
    if (i + 1 == order.size() || run.score[order[i + 1]] != run.score[order[i]]) step(found[0], found[1]);
  }
}

}  // namespace

std::vector<Point> roc_curve(const RunRecord& run) {
  const double normals = number_of(run, 0), anomalies = number_of(run, 1);
  std::vector<Point> curve{{0, 0}};
  for_each_threshold(run, [&](double alarms, double hits) { curve.push_back({alarms / normals, hits / anomalies}); });
  return curve;
}

std::vector<Point> precision_recall_curve(const RunRecord& run) {
  const double anomalies = number_of(run, 1);
  std::vector<Point> curve;
  for_each_threshold(run, [&](double alarms, double hits) {
    if (hits > 0) curve.push_back({hits / anomalies, hits / (hits + alarms)});
  });
  return curve;
}

float threshold(const RunRecord& run) {
  return static_cast<float>(get_real(run.summary, "threshold", -INFINITY, INFINITY));
}

double number_of(const RunRecord& run, int kind) {
  return static_cast<double>(std::count(run.anomaly.begin(), run.anomaly.end(), kind));
}

double reported(const RunRecord& run, int kind) {
  const float limit = threshold(run);
  double count = 0;
  for (std::size_t i = 0; i < run.score.size(); ++i) count += run.anomaly[i] == kind && run.score[i] >= limit ? 1 : 0;
  return count;
}

std::string curve_figures(const RunRecord& run) {
  const Confidence confidence = bootstrap(run.score, run.anomaly);
  return roc_figure(run, confidence) + precision_recall_figure(run, confidence) + confusion_matrix(run);
}

}  // namespace snag
