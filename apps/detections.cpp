#include "apps/detections.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace snag {
namespace {

template <class Number>
std::string shortest(Number v) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), v).ptr};
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string json_text(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string table_row(const char* anomalous, const std::string& confidence, const std::string& score,
                      const std::string& threshold, const std::string& path) {
  std::array<char, 128> cells;
  std::snprintf(cells.data(), cells.size(), "%-9s  %10s  %12s  %12s  ", anomalous, confidence.c_str(), score.c_str(),
                threshold.c_str());
  return cells.data() + path + "\n";
}

std::string confidence(const Detection& d) { return d.confidence ? shortest(*d.confidence) : ""; }

std::string rounded(double v) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.3f", v);
  return text.data();
}

}  // namespace

std::string header(Form form, bool with_heat_maps) {
  if (form == Form::table) return table_row("anomalous", "confidence", "score", "threshold", "image");
  if (form == Form::csv)
    return std::string("path,score,threshold,anomalous,confidence") + (with_heat_maps ? ",heat_map\n" : "\n");
  return "";
}

std::string line(Form form, const Detection& d, bool colour) {
  const std::string score = shortest(d.score), threshold = shortest(d.threshold);
  if (form == Form::csv)
    return csv_cell(d.path) + "," + score + "," + threshold + "," + (d.anomalous() ? "yes" : "no") + "," +
           confidence(d) + (d.heat_map ? "," + csv_cell(*d.heat_map) : "") + "\n";
  if (form == Form::json)
    return "{\"path\": " + json_text(d.path) + ", \"score\": " + score + ", \"threshold\": " + threshold +
           ", \"anomalous\": " + (d.anomalous() ? "true" : "false") +
           ", \"confidence\": " + (d.confidence ? confidence(d) : "null") +
           (d.heat_map ? ", \"heat_map\": " + json_text(*d.heat_map) : "") + "}\n";
  const std::string row =
      table_row(d.anomalous() ? "yes" : "no", d.confidence ? rounded(*d.confidence) : "-", score, threshold, d.path);
  return colour && d.anomalous() ? "\x1b[31m" + row.substr(0, row.size() - 1) + "\x1b[0m\n" : row;
}

}  // namespace snag
