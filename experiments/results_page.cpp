#include "experiments/results_page.h"

#include "base/file.h"
#include "base/markup.h"
#include "experiments/tables.h"
#include "models/report_parts.h"

namespace snag {
namespace {

// Ten colours that differ in hue and lightness, for curves; lighter on dark ground.
constexpr const char* kStyle = R"css(
.s0 { color: #0072b2; } .s1 { color: #d55e00; } .s2 { color: #00815e; } .s3 { color: #a8478c; } .s4 { color: #b07a00; }
.s5 { color: #16191d; } .s6 { color: #6a3fb5; } .s7 { color: #7a8490; } .s8 { color: #8b1a1a; } .s9 { color: #2f9ec4; }
@media (prefers-color-scheme: dark) {
.s0 { color: #56b4e9; } .s1 { color: #f08a3c; } .s2 { color: #2fc79a; } .s3 { color: #e596c8; } .s4 { color: #f0c34a; }
.s5 { color: #e9ecef; } .s6 { color: #b79cf0; } .s7 { color: #9ba6b2; } .s8 { color: #ff8a80; } .s9 { color: #9fe0f5; } }
.cell { fill: currentColor; } .whisker { stroke: var(--ink); stroke-width: 1.5; }
.wide { margin: 16px 0; } .wide th, .wide td { white-space: nowrap; font-variant-numeric: tabular-nums; }
code { overflow-wrap: anywhere; }
@media (max-width: 720px) { .wide td:nth-child(3) { display: table-cell; } }
)css";

std::string section(const std::string& heading, const std::string& figures) {
  if (figures.empty()) return "";
  return "<section><h2>" + escape_html(heading) + "</h2><div class=\"plots\">" + figures + "</div></section>\n";
}

std::string page(const Results& r, std::size_t planned, const std::string& command) {
  const std::string title = escape_html(r.plan().title);
  std::string text =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>" +
      title + " - Snag</title>\n<style>" + report_style + kStyle +
      "</style>\n</head>\n<body>\n<main>\n<p class=\"kicker\">Snag</p><h1>" + title + "</h1>\n<p class=\"normal\">" +
      escape_html(r.plan().about) + "</p>\n<p class=\"remark\">" + escape_html(scope(r, planned)) +
      "</p>\n<p class=\"remark\"><code>" + escape_html(command) + "</code></p>\n";
  for (const TextTable& table : tables_of(r)) text += html(table);
  return text + section("AUROC of each class", interval_figures(r)) +
         section("Which anomalies are hard", heat_figures(r)) + section("ROC curves", roc_figures(r)) +
         section("Over epochs", epoch_figures(r)) + "</main>\n</body>\n</html>\n";
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
