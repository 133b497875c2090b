#include <cmath>

#include "base/file.h"
#include "base/markup.h"
#include "models/cases.h"
#include "models/report_parts.h"
#include "models/sample_layout.h"

namespace snag {
namespace {

using namespace sample_layout;

struct Words {
  std::string heading, remark;
};

Words words_for(CaseKind kind) {
  switch (kind) {
    case CaseKind::missed:
      return {"Missed anomalies", "Anomalies with the lowest scores: the worst mistakes of one kind."};
    case CaseKind::false_alarm:
      return {"False alarms", "Normal images with the highest scores: the worst mistakes of the other kind."};
    case CaseKind::borderline:
      return {"Borderline", "Decided right, with scores nearest to the threshold."};
    case CaseKind::found:
      return {"Anomalies found", "Those with the highest scores."};
    case CaseKind::passed:
      return {"Normal images passed", "Those with the lowest scores."};
  }
  return {};
}

// The picture's column i as a drawing of its own, cut out of what is embedded once.
std::string column(std::size_t i, int height, const std::string& title) {
  return "<svg class=\"case\" viewBox=\"" + std::to_string(i * static_cast<std::size_t>(kTile + kGap)) + " 0 " +
         std::to_string(kTile) + " " + std::to_string(height) + "\" role=\"img\" aria-label=\"" + escape_html(title) +
         "\"><use href=\"#cases\"/></svg>";
}

}  // namespace

std::string case_figures(const RunRecord& run) {
  if (run.cases.empty()) return "";
  const std::string png = read_file(run.cases_png);
  const PngSize size = png_size(png);
  const int count = static_cast<int>(run.cases.size());
  if (size.width != count * (kTile + kGap) - kGap)
    throw Error(Exit::data, run.cases_png + ": " + std::to_string(size.width) +
                                " pixels wide, not as the run wrote it for " + std::to_string(count) + " cases");
  const bool reconstructed = size.height > kTile;
  std::string groups;
  for (const CaseKind kind : all_case_kinds) {
    std::string cards;
    for (std::size_t i = 0; i < run.cases.size(); ++i) {
      if (run.cases[i].kind != name_of(kind)) continue;
      const auto at = static_cast<std::size_t>(run.cases[i].index);
      const std::string name = class_name(run, std::to_string(run.label[at]));
      const std::string score = significant(run.score[at], 4);
      cards += "<div class=\"card\">" + column(i, size.height, name + ", score " + score) + "<b class=\"" +
               (run.anomaly[at] ? "c-odd" : "c-normal") + "\">" + escape_html(name) + "</b><small>" + score +
               "</small></div>\n";
    }
    if (cards.empty()) continue;
    const Words words = words_for(kind);
    groups += "<figure><h3>" + words.heading + "</h3><p class=\"keys\">" + words.remark + "</p><div class=\"cards\">" +
              cards + "</div></figure>\n";
  }
  return "<section><h2>Test images worth a look</h2>\n<svg class=\"store\" aria-hidden=\"true\"><defs><image "
         "id=\"cases\" "
         "width=\"" +
         std::to_string(size.width) + "\" height=\"" + std::to_string(size.height) +
         "\" href=\"data:image/png;base64," + base64(png) + "\"/></defs></svg>\n<div class=\"plots\">" + groups +
         "</div>\n<p class=\"remark\">" +
         (reconstructed ? "From above: the image, its reconstruction, the error (black is none, light yellow the whole "
                          "range from black to white). "
                        : "") +
         "Below: class and score; the threshold is " + significant(threshold(run), 4) + ".</p></section>\n";
}

}  // namespace snag
