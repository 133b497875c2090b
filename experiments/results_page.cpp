#include "experiments/results_page.h"

#include "base/file.h"
#include "base/markup.h"
#include "experiments/tables.h"
#include "models/report_parts.h"

namespace snag {
namespace {

constexpr const char* kStyle = R"css(
.cell { fill: currentColor; } .whisker { stroke: var(--ink); stroke-width: 1.5; }
.wide { margin: 16px 0; } .wide th, .wide td { white-space: nowrap; font-variant-numeric: tabular-nums; }
code { overflow-wrap: anywhere; }
)css";

std::string section(const std::string& heading, const std::string& figures) {
  if (figures.empty()) return "";
  return "<section><h2>" + escape_html(heading) + "</h2><div class=\"plots\">" + figures + "</div></section>\n";
}

std::string page(const Results& r, std::size_t planned, const std::string& command) {
  std::string text = "<p class=\"kicker\">Snag</p><h1>" + escape_html(r.plan().title) + "</h1>\n<p class=\"normal\">" +
                     escape_html(r.plan().about) + "</p>\n<p class=\"remark\">" + escape_html(scope(r, planned)) +
                     "</p>\n<p class=\"remark\"><code>" + escape_html(command) + "</code></p>\n";
  for (const TextTable& table : tables_of(r)) text += html(table);
  text += section("AUROC of each class", interval_figures(r)) + section("Which anomalies are hard", heat_figures(r)) +
          section("ROC curves", roc_figures(r)) + section("Over epochs", epoch_figures(r));
  return html_page(r.plan().title, std::string(report_style) + series_style + kStyle, text);
}

}  // namespace

void write_results(const Plan& plan, std::span<const PlannedRun> runs, const std::string& folder,
                   const std::string& command) {
  const Results results(plan, read_outcomes(runs, folder));
  write_file(folder + "/results.csv", results_csv(plan, results.outcomes()));
  std::string text =
      "# " + plan.title + "\n\n" + plan.about + "\n\n" + scope(results, runs.size()) + "\n\n    " + command + "\n";
  for (const TextTable& table : tables_of(results)) text += "\n" + markdown(table);
  write_file(folder + "/results.md", text);
  write_file(folder + "/results.html", page(results, runs.size(), command));
}

}  // namespace snag
