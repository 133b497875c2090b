#include <algorithm>
#include <cmath>
#include <limits>

#include "base/markup.h"
#include "data/images.h"
#include "experiments/results_page.h"
#include "models/report_parts.h"

namespace snag {
namespace {

std::string series_css(std::size_t variant) { return "s" + std::to_string(variant % 10); }

Key key_of(const Results& r, std::size_t variant, const std::string& more = "") {
  return {"stroke " + series_css(variant), "", r.plan().variants[variant].name + more};
}

std::string class_label(int label) { return class_name(std::to_string(label)); }

// Curves, averaged over runs.
class MeanCurve {
 public:
  void add(std::size_t place, double value) {
    if (place >= sum_.size()) sum_.resize(place + 1), count_.resize(place + 1);
    sum_[place] += value;
    ++count_[place];
  }
  bool empty() const { return sum_.empty(); }
  template <class X>
  std::vector<Point> points(X x) const {
    std::vector<Point> points;
    for (std::size_t i = 0; i < sum_.size(); ++i)
      if (count_[i] > 0) points.push_back({x(i), sum_[i] / count_[i]});
    return points;
  }

 private:
  std::vector<double> sum_, count_;
};

constexpr std::size_t kGrid = 400;  // steps of the false alarm rate

// The detection rate at false alarm rate x >= 0: the top of the curve's step there, or on the straight line to the
// next.
double rate_at(const std::vector<Point>& curve, double x) {
  const auto right = std::upper_bound(curve.begin(), curve.end(), x, [](double v, Point p) { return v < p.x; });
  const Point a = *(right - 1);  // the curve begins at 0
  if (right == curve.end()) return a.y;
  return a.y + (right->y - a.y) * (x - a.x) / (right->x - a.x);
}

std::string roc_figure(const Results& r, const std::vector<MeanCurve>& curves, const std::string& heading) {
  Plot plot(heading, {"normal images reported", 0, 1, Ticks::percent}, {"anomalies reported", 0, 1, Ticks::percent});
  plot.dashed({0, 0}, {1, 1}, "c-soft");
  std::vector<Key> keys;
  for (std::size_t v = 0; v < curves.size(); ++v) {
    if (curves[v].empty()) continue;
    plot.line(curves[v].points([](std::size_t i) { return double(i) / kGrid; }), series_css(v));
    keys.push_back(key_of(r, v));
  }
  return figure(heading, keys, plot.svg());
}

struct EpochCurves {
  MeanCurve loss, area;
};

std::string epoch_figure(const Results& r, const std::vector<EpochCurves>& curves, MeanCurve EpochCurves::*which,
                         const std::string& heading, const std::string& unit, const std::string& remark) {
  double last = 1, low = std::numeric_limits<double>::infinity(), high = -low;
  std::vector<std::vector<Point>> lines;
  for (const EpochCurves& c : curves) {
    lines.push_back((c.*which).points([](std::size_t i) { return double(i + 1); }));
    for (const Point p : lines.back()) last = std::max(last, p.x), low = std::min(low, p.y), high = std::max(high, p.y);
  }
  if (low > high) return "";
  Plot plot(heading, {"epoch", 0, last, Ticks::whole}, rounded({unit, low, high}));
  std::vector<Key> keys;
  for (std::size_t v = 0; v < lines.size(); ++v) {
    if (lines[v].empty()) continue;
    plot.line(lines[v], series_css(v));
    keys.push_back(key_of(r, v, " " + decimal(lines[v].back().y, 4)));
  }
  return figure(heading, keys, plot.svg(), remark);
}

}  // namespace

std::string interval_figures(const Results& r) {
  double lowest = 1;
  for (std::size_t v = 0; v < r.plan().variants.size(); ++v)
    for (const int label : r.plan().classes)
      if (const auto e = r.of_class(v, label, &Outcome::auroc))
        lowest = std::min(lowest, e->mean - e->half.value_or(0));
  Axis axis = rounded({"AUROC, test file", std::max(lowest, 0.0), 1});
  axis.high = 1;
  std::string figures;
  for (std::size_t v = 0; v < r.plan().variants.size(); ++v) {
    std::vector<Bar> bars;
    const auto add = [&](const std::string& label, const std::optional<Estimate>& e, const std::string& css) {
      if (e) bars.push_back({label, e->mean, css, e->half.value_or(0)});
    };
    for (const int label : r.plan().classes)
      add(class_label(label), r.of_class(v, label, &Outcome::auroc), series_css(v));
    if (bars.empty()) continue;
    add("mean", r.of_all_classes(v, &Outcome::auroc), "c-ink");
    const std::string name = r.plan().variants[v].name;
    figures += figure(name, {}, bar_chart("AUROC of " + name + " for each normal class", bars, axis, axis.low, 4));
  }
  return figures;
}

std::string roc_figures(const Results& r) {
  const std::size_t variants = r.plan().variants.size();
  std::vector<MeanCurve> all(variants);
  std::map<int, std::vector<MeanCurve>> of_class;
  for (const Outcome& o : r.outcomes()) {
    const std::vector<Point> curve = roc_curve(read_run(o.folder));
    auto& own = of_class.try_emplace(o.normal_class, variants).first->second[o.variant];
    for (std::size_t i = 0; i <= kGrid; ++i) {
      const double y = rate_at(curve, double(i) / kGrid);
      all[o.variant].add(i, y);
      own.add(i, y);
    }
  }
  std::string figures = roc_figure(r, all, "Mean over classes and seeds");
  for (const auto& [label, curves] : of_class) figures += roc_figure(r, curves, "Normal: " + class_label(label));
  return figures;
}

std::string heat_figures(const Results& r) {
  std::string figures;
  for (std::size_t v = 0; v < r.plan().variants.size(); ++v) {
    const std::string name = r.plan().variants[v].name;
    HeatMap map{
        "AUROC of " + name + ", normal class by anomaly class", "normal", "anomaly class", {}, {}, {}, 1, 0.5, "c-odd"};
    for (int label = 0; label < class_count; ++label) map.columns.push_back(std::to_string(label));
    bool any = false;
    for (const int normal : r.plan().classes) {
      map.rows.push_back(class_label(normal));
      std::vector<double>& row = map.values.emplace_back();
      for (int label = 0; label < class_count; ++label) {
        const auto e = r.of_pair(v, normal, label);
        row.push_back(e ? e->mean : std::numeric_limits<double>::quiet_NaN());
        any = any || e;
      }
    }
    if (any) figures += figure(name, {}, heat_map(map, 3));
  }
  return figures;
}

std::string epoch_figures(const Results& r) {
  std::vector<EpochCurves> curves(r.plan().variants.size());
  for (const Outcome& o : r.outcomes()) {
    const RunRecord run = read_run(o.folder);
    if (run.losses.empty() || run.validation_area.empty()) continue;
    for (const Point p : run.validation_area) curves[o.variant].area.add(static_cast<std::size_t>(p.x) - 1, p.y);
    const std::vector<Point>& total = run.losses.front().curve;
    if (total.empty()) continue;
    const double steps_per_epoch = total.back().x / run.validation_area.back().x;
    std::optional<double> first;
    for (const Point p : total) {
      if (std::fmod(p.x, steps_per_epoch) != 0) continue;
      if (!first) first = p.y;
      curves[o.variant].loss.add(static_cast<std::size_t>(p.x / steps_per_epoch) - 1, p.y / *first);
    }
  }
  return epoch_figure(r, curves, &EpochCurves::area, "Validation AUROC", "AUROC",
                      "Mean over classes and seeds, on the kept part of the training file.") +
         epoch_figure(r, curves, &EpochCurves::loss, "Total training loss", "loss / loss of the first epoch",
                      "Mean over classes and seeds of each run's loss over that of its first epoch.");
}

}  // namespace snag
