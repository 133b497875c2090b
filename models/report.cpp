#include "models/report.h"

#include <cmath>

#include "base/file.h"
#include "base/markup.h"
#include "models/report_parts.h"

namespace snag {

std::string figure(const std::string& heading, const std::vector<Key>& keys, const std::string& svg,
                   const std::string& remark) {
  std::string out = "<figure><h3>" + escape_html(heading) + "</h3>\n<p class=\"keys\">";
  for (const Key& k : keys)
    out += "<span><b class=\"" + k.css + "\">" + k.glyph + "</b> " + escape_html(k.text) + "</span> ";
  out += "</p>\n" + svg;
  if (!remark.empty()) out += "<p class=\"remark\">" + escape_html(remark) + "</p>";
  return out + "</figure>\n";
}

std::string class_name(const std::string& label) {
  static const char* const names[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                      "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
  const bool known = label.size() == 1 && label[0] >= '0' && label[0] <= '9';
  return known ? label + " " + names[label[0] - '0'] : label;
}

std::string class_name(const RunRecord& run, const std::string& label) {
  if (!has(run.summary, "class_names")) return class_name(label);
  return run.summary.value["class_names"].at(std::stoul(label)).get<std::string>();
}

std::string normal_classes(const RunRecord& run) {
  std::string text;
  for (const std::int64_t c : get_ints(run.summary, "normal_class", 0, 255))
    text += (text.empty() ? "" : ", ") + class_name(run, std::to_string(c));
  return text;
}

std::string percentage(double share) { return decimal(100 * share, 1) + "%"; }

void write_report(const std::string& folder) {
  const RunRecord run = read_run(folder);
  const std::string title =
      escape_html(get_string(run.summary, "model") + ", normal: " + normal_classes(run) + " - Snag");
  write_file(folder + "/report.html",
             "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>" +
                 title + "</title>\n<style>" + report_style + "</style>\n</head>\n<body>\n<main>\n" + headline(run) +
                 pictures(run) + score_figures(run) + training_figures(run) + settings_tables(run) +
                 "</main>\n</body>\n</html>\n");
}

}  // namespace snag
