#include "models/comparison.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/file.h"
#include "base/markup.h"
#include "models/confidence.h"
#include "models/report_parts.h"

namespace snag {
namespace {

struct Compared {
  RunRecord run;
  std::string name, css;
  Confidence confidence;
};

std::vector<Compared> read_all(const std::vector<std::string>& folders) {
  constexpr std::size_t kMost = 10;  // colours that can be told apart
  if (folders.size() < 2 || folders.size() > kMost)
    throw Error(Exit::usage,
                "--compare has " + std::to_string(folders.size()) + " runs: give 2 to " + std::to_string(kMost));
  std::vector<Compared> all;
  for (const std::string& folder : folders) {
    RunRecord run = read_run(folder);
    const Confidence confidence = bootstrap(run.score, run.anomaly);
    const std::string name = std::filesystem::path(folder + "/").parent_path().filename().string();
    all.push_back({std::move(run), name, "s" + std::to_string(all.size()), confidence});
  }
  return all;
}

std::string cell(const std::string& text) { return "<td>" + escape_html(text) + "</td>"; }

std::string table(const std::string& heading, const std::vector<std::string>& columns, const std::string& rows) {
  std::string head;
  for (const std::string& c : columns) head += "<th>" + escape_html(c) + "</th>";
  return "<figure class=\"wide\"><h3>" + escape_html(heading) + "</h3><div class=\"scroll\"><table><thead><tr>" + head +
         "</tr></thead><tbody>\n" + rows + "</tbody></table></div></figure>\n";
}

std::string row_head(const Compared& c) {
  return "<tr><th><b class=\"" + c.css + "\">■</b> " + escape_html(c.name) + "</th>";
}

std::string figures_table(const std::vector<Compared>& all) {
  std::string rows;
  for (const Compared& c : all) {
    const Json& s = c.run.summary;
    const auto share = [&](const char* key) { return decimal(get_real(s, key, 0, 1), 4); };
    const auto between = [](Interval i) { return decimal(i.low, 4) + " to " + decimal(i.high, 4); };
    rows += row_head(c) + cell(get_string(s, "model")) + cell(normal_classes(c.run)) + cell(share("auroc")) +
            cell(between(c.confidence.auroc)) + cell(share("average_precision")) +
            cell(between(c.confidence.average_precision)) + cell(share("best_f1")) + cell(share("balanced_accuracy")) +
            cell(has(s, "seconds") ? significant(get_real(s, "seconds", 0, 1e12), 3) : "") + "</tr>\n";
  }
  return table(
      "Test file",
      {"run", "model", "normal", "AUROC", "95 %", "average precision", "95 %", "F1", "balanced accuracy", "seconds"},
      rows);
}

std::string plain(const nlohmann::json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::string settings_table(const std::vector<Compared>& all) {
  std::set<std::string> names;
  for (const Compared& c : all)
    for (const auto& [name, ignored] : c.run.config.value.items()) names.insert(name);
  std::vector<std::string> columns{"setting"};
  for (const Compared& c : all) columns.push_back(c.name);
  std::string rows;
  for (const std::string& name : names) {
    std::vector<std::string> values;
    for (const Compared& c : all) values.push_back(has(c.run.config, name) ? plain(c.run.config.value[name]) : "");
    if (std::all_of(values.begin(), values.end(), [&](const auto& v) { return v == values.front(); })) continue;
    rows += "<tr><th>" + escape_html(name) + "</th>";
    for (const std::string& v : values) rows += cell(v);
    rows += "</tr>\n";
  }
  return rows.empty() ? "" : table("Settings that differ", columns, rows);
}

std::string classes_table(const std::vector<Compared>& all) {
  std::set<std::string> labels;
  for (const Compared& c : all) {
    const Json areas = get_object(c.run.summary, "auroc_per_class");
    for (const auto& [label, ignored] : areas.value.items()) labels.insert(label);
  }
  std::vector<std::string> columns{"run"};
  for (const std::string& label : labels) columns.push_back(class_name(all.front().run, label));
  std::string rows;
  for (const Compared& c : all) {
    const Json areas = get_object(c.run.summary, "auroc_per_class");
    rows += row_head(c);
    for (const std::string& label : labels)
      rows += cell(has(areas, label) ? decimal(get_real(areas, label, 0, 1), 4) : "");
    rows += "</tr>\n";
  }
  return table("AUROC of each anomaly class", columns, rows);
}

// One curve of each run in one plot.
template <class Curve>
std::string curves_figure(const std::vector<Compared>& all, const std::string& heading, const Axis& x, Axis y,
                          Curve curve) {
  std::vector<Key> keys;
  for (const Compared& c : all)
    for (const Point p : curve(c)) y.low = std::min(y.low, p.y);
  y = rounded(y);
  y.low = std::max(y.low, 0.0);
  y.high = 1;
  Plot plot(heading, x, y);
  for (const Compared& c : all) {
    const std::vector<Point> points = curve(c);
    if (points.empty()) continue;
    plot.line(points, c.css);
    keys.push_back({"stroke " + c.css, "", c.name});
  }
  return keys.empty() ? "" : figure(heading, keys, plot.svg());
}

std::string validation_figure_of(const std::vector<Compared>& all) {
  double last = 1;
  for (const Compared& c : all)
    for (const Point p : c.run.validation_area) last = std::max(last, p.x);
  return curves_figure(all, "Validation AUROC over epochs", {"epoch", 0, last, Ticks::whole}, {"AUROC", 1, 1},
                       [](const Compared& c) { return c.run.validation_area; });
}

constexpr const char* kStyle = R"css(
.wide { margin: 16px 0; } .wide th, .wide td { white-space: nowrap; font-variant-numeric: tabular-nums; }
.wide thead th { color: var(--soft); } .wide td + td { color: var(--ink); }
)css";

}  // namespace

void write_comparison(const std::vector<std::string>& folders, const std::string& path) {
  const std::vector<Compared> all = read_all(folders);
  const std::string curves =
      curves_figure(all, "ROC curves", {"normal images reported", 0, 1, Ticks::percent},
                    {"anomalies reported", 0, 1, Ticks::percent}, [](const Compared& c) { return roc_curve(c.run); }) +
      curves_figure(all, "Precision and recall", {"recall: anomalies reported", 0, 1, Ticks::percent},
                    {"precision: true among the reported", 1, 1, Ticks::percent},
                    [](const Compared& c) { return precision_recall_curve(c.run); }) +
      validation_figure_of(all);
  write_file(
      path,
      html_page(std::to_string(all.size()) + " runs compared", std::string(report_style) + series_style + kStyle,
                "<p class=\"kicker\">Snag</p><h1>" + std::to_string(all.size()) + " runs compared</h1>\n" +
                    figures_table(all) + classes_table(all) + "<div class=\"plots\">" + curves + "</div>\n" +
                    settings_table(all) +
                    "<p class=\"remark\">95 %: intervals by the bootstrap, 400 times over the test images, kind by "
                    "kind. They say how far a figure would move with other test images, not with other seeds.</p>\n"));
}

}  // namespace snag
