#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/markup.h"
#include "models/report_parts.h"

namespace snag {
namespace {

// The range to draw: all finite scores and the threshold, but not a thin tail that would squeeze the rest.
Axis score_axis(const RunRecord& run) {
  std::vector<double> finite;
  for (const float s : run.score)
    if (std::isfinite(s)) finite.push_back(s);
  if (std::isfinite(threshold(run))) finite.push_back(threshold(run));
  if (finite.empty()) return {"anomaly score", 0, 1};
  std::sort(finite.begin(), finite.end());
  const double low = finite.front(), most = finite[(finite.size() - 1) * 995 / 1000];
  const double high = finite.back() > low + 1.5 * (most - low) ? most : finite.back();
  Axis axis{"anomaly score", low, std::max(high, double{threshold(run)})};
  return axis.low < axis.high ? axis : rounded(axis);
}

std::string histogram_figure(const RunRecord& run) {
  constexpr int kBins = 50;
  const Axis x = score_axis(run);
  std::vector<double> share[2] = {std::vector<double>(kBins), std::vector<double>(kBins)};
  const double images[2] = {number_of(run, 0), number_of(run, 1)};
  bool beyond = false;
  for (std::size_t i = 0; i < run.score.size(); ++i) {
    const double at = (double{run.score[i]} - x.low) / (x.high - x.low);
    beyond = beyond || at > 1;
    const auto bin = static_cast<std::size_t>(std::clamp(std::floor(at * kBins), 0.0, kBins - 1.0));
    share[run.anomaly[i]][bin] += 1 / images[run.anomaly[i]];
  }
  const double most = std::max(*std::max_element(share[0].begin(), share[0].end()),
                               *std::max_element(share[1].begin(), share[1].end()));
  Plot plot("Histogram of the scores of normal and anomalous test images", x,
            rounded({"share of its kind", 0, most, Ticks::percent}), true);
  const char* const css[] = {"c-normal", "c-odd"};
  for (const int kind : {1, 0}) {
    std::vector<Point> stairs{{x.low, 0}};
    for (std::size_t b = 0; b < kBins; ++b)
      for (const std::size_t side : {b, b + 1})
        stairs.push_back({x.low + (x.high - x.low) * static_cast<double>(side) / kBins, share[kind][b]});
    stairs.push_back({x.high, 0});
    plot.area(stairs, css[kind]);
    plot.line(stairs, std::string("thin ") + css[kind]);
  }
  plot.upright(threshold(run), "threshold " + significant(threshold(run), 4), "c-ink");
  const auto count = [&](int kind) { return grouped(std::llround(images[kind])); };
  return figure("Scores of the test images",
                {{"c-normal", "■", count(0) + " normal"}, {"c-odd", "■", count(1) + " anomalous"}}, plot.svg(),
                std::string("Images at or right of the threshold are reported; it was chosen on validation data.") +
                    (beyond ? " The last bar holds all scores beyond the axis." : ""));
}

std::string class_figure(const RunRecord& run) {
  const Json areas = get_object(run.summary, "auroc_per_class");
  std::vector<std::int64_t> unseen;
  if (has(run.summary, "hold_out")) unseen = get_ints(run.summary, "hold_out", 0, 255);
  std::vector<Bar> bars;
  bool any_unseen = false;
  double lowest = 0.5;
  for (const auto& [label, ignored] : areas.value.items()) {
    const bool held = std::any_of(unseen.begin(), unseen.end(), [&](auto c) { return std::to_string(c) == label; });
    any_unseen = any_unseen || held;
    bars.push_back(
        {class_name(run, label) + (held ? " *" : ""), get_real(areas, label, 0, 1), held ? "c-unseen" : "c-odd"});
    lowest = std::min(lowest, bars.back().value);
  }
  std::stable_sort(bars.begin(), bars.end(), [](const Bar& a, const Bar& b) { return a.value < b.value; });
  Axis axis = rounded({"AUROC against the normal images; 0.5 is guessing", lowest, 1});
  axis.high = 1;
  return figure("Which anomalies are hard", {},
                bar_chart("AUROC of each anomaly class, the hardest first", bars, axis, 0.5, 4),
                any_unseen ? "* held out: this class was not in training or validation." : "");
}

std::string validation_figure(const RunRecord& run) {
  const std::vector<Point>& curve = run.validation_area;
  if (curve.empty()) return "";
  double last = 1, low = 1;
  Point best = curve.front();
  for (const Point p : curve) {
    last = std::max(last, p.x);
    low = std::min(low, p.y);
    if (p.y > best.y) best = p;
  }
  Axis y = rounded({"AUROC", low, 1});
  y.high = 1;
  Plot plot("Validation AUROC over epochs", {"epoch", 0, last, Ticks::whole}, y);
  plot.line(curve, "c-roc");
  const auto hint = [](Point p) { return "epoch " + decimal(p.x, 0) + ": " + decimal(p.y, 4); };
  constexpr std::size_t kMarks = 60;
  for (const Point p : curve)
    if (curve.size() <= kMarks || p.x == last || p.x == best.x) plot.mark(p, Mark::dot, "c-roc", hint(p));
  return figure("Validation AUROC",
                {{"c-roc", "●", "last " + decimal(curve.back().y, 4)},
                 {"c-roc", "", "best " + decimal(best.y, 4) + " in epoch " + decimal(best.x, 0)}},
                plot.svg());
}

}  // namespace

std::string score_figures(const RunRecord& run) {
  return "<section><h2>How well it tells them apart</h2><div class=\"plots\">" + histogram_figure(run) +
         curve_figures(run) + class_figure(run) + validation_figure(run) + "</div></section>\n";
}

}  // namespace snag
