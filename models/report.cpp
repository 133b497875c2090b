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

PngSize png_size(const std::string& png) {
  const auto at = [&](std::size_t offset) {
    int value = 0;
    for (std::size_t i = 0; i < 4 && png.size() > offset + 4; ++i)
      value = value << 8 | static_cast<unsigned char>(png[offset + i]);
    return value;
  };
  return {at(16), at(20)};
}

std::string html_page(const std::string& title, const std::string& style, const std::string& body) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>" +
         escape_html(title + " - Snag") + "</title>\n<style>" + style + "</style>\n</head>\n<body>\n<main>\n" + body +
         "</main>\n</body>\n</html>\n";
}

void write_report(const std::string& folder) {
  const RunRecord run = read_run(folder);
  write_file(folder + "/report.html",
             html_page(get_string(run.summary, "model") + ", normal: " + normal_classes(run), report_style,
                       headline(run) + pictures(run) + score_figures(run) + case_figures(run) + training_figures(run) +
                           settings_tables(run)));
}

}  // namespace snag
