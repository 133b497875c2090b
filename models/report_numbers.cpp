#include <algorithm>
#include <cmath>

#include "base/markup.h"
#include "base/progress.h"
#include "models/config.h"
#include "models/report_parts.h"

namespace snag {
namespace {

// A share of 1 as a number and a bar, with a tick where guessing stands.
std::string gauge(double value, double guessing) {
  const auto at = [](double share) { return decimal(100 * std::clamp(share, 0.0, 1.0), 1) + "%"; };
  return "<div class=\"gauge\"><i style=\"width:" + at(value) + "\"></i><u style=\"left:" + at(guessing) +
         "\"></u></div>";
}

std::string tile(const std::string& name, double value, double guessing, const std::string& remark) {
  return "<div class=\"tile\"><span>" + name + "</span><strong>" + decimal(value, 4) + "</strong>" +
         gauge(value, guessing) + "<small>" + remark + "</small></div>\n";
}

// What the summary says of size and time; a run without training says less.
std::string facts(const Json& summary) {
  std::string text;
  const auto add = [&](const char* key, auto words) {
    if (has(summary, key)) text += (text.empty() ? "" : " · ") + words(get_real(summary, key, 0, 1e18));
  };
  const auto count = [](const char* unit) {
    return [unit = std::string(unit)](double n) {
      return grouped(std::llround(n)) + (n == 1 && unit.ends_with('s') ? unit.substr(0, unit.size() - 1) : unit);
    };
  };
  add("train_normal", count(" normal training images"));
  add("train_anomalous", count(" anomalous ones"));
  add("epochs", count(" epochs"));
  add("steps", count(" steps"));
  add("train_seconds", [](double s) { return format_duration(s) + " of training"; });
  add("images_per_second", count(" images/s"));
  add("peak_tensor_bytes",
      [](double bytes) { return grouped(std::llround(bytes / (1024 * 1024))) + " MiB of tensors"; });
  return text;
}

std::string shown(const nlohmann::json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::string row(const std::string& name, const nlohmann::json& value, const std::string& help, bool changed = false) {
  return std::string(changed ? "<tr class=\"changed\">" : "<tr>") + "<th>" + escape_html(name) + "</th><td>" +
         escape_html(shown(value)) + "</td><td>" + escape_html(help) + "</td></tr>\n";
}

// The settings a model has when nothing is said; of a model this program does not know, none.
nlohmann::json defaults_of(const std::string& model) {
  const auto known = model_names();
  if (std::find(known.begin(), known.end(), model) == known.end()) return nlohmann::json::object();
  Config config;
  config.model = model;
  set_defaults(config);
  return nlohmann::json::parse(config_text(config));
}

std::string settings_rows(const Json& config, const std::string& model) {
  nlohmann::json left = config.value;
  const nlohmann::json defaults = defaults_of(model);
  std::string rows;
  for (const Setting& s : settings()) {
    if (!left.contains(s.name)) continue;
    const bool changed = defaults.contains(s.name) && defaults[s.name] != left[s.name] && defaults[s.name] != "";
    rows += row(s.name, left[s.name], s.help, changed);
    left.erase(s.name);
  }
  for (const auto& [name, value] : left.items()) rows += row(name, value, "");
  return rows;
}

}  // namespace

std::string headline(const RunRecord& run) {
  const auto share = [&](const char* key) { return get_real(run.summary, key, 0, 1); };
  const double anomalies = static_cast<double>(std::count(run.anomaly.begin(), run.anomaly.end(), 1)) /
                           static_cast<double>(run.anomaly.size());
  const double threshold = get_real(run.summary, "threshold", -INFINITY, INFINITY);
  const double all_reported = 2 * anomalies / (1 + anomalies);
  return "<header>\n<div><p class=\"kicker\">Snag · seed " +
         std::to_string(get_int(run.summary, "seed", 0, std::int64_t{1} << 60)) + "</p><h1>" +
         escape_html(get_string(run.summary, "model")) + "</h1><p class=\"normal\">normal: <b class=\"c-normal\">" +
         escape_html(normal_classes(run)) +
         "</b></p></div>\n<div class=\"hero\"><span>AUROC, test file</span><strong>" + decimal(share("auroc"), 4) +
         "</strong>" + gauge(share("auroc"), 0.5) +
         "<small>Of an anomaly and a normal image, the anomaly gets the higher score in " + percentage(share("auroc")) +
         " of all pairs. Guessing: 50%.</small></div>\n<div class=\"tiles3\">\n" +
         tile("Average precision", share("average_precision"), anomalies, "guessing: " + decimal(anomalies, 4)) +
         tile("Balanced accuracy", share("balanced_accuracy"), 0.5, "guessing: 0.5") +
         tile("F1", share("best_f1"), all_reported, "reporting everything: " + decimal(all_reported, 4)) +
         "</div>\n<p class=\"remark\">Balanced accuracy and F1 at the threshold " + significant(threshold, 4) +
         ", chosen on validation data.</p>\n<p class=\"remark\">" + facts(run.summary) + "</p>\n</header>\n";
}

std::string settings_tables(const RunRecord& run) {
  std::string environment;
  for (const auto& [name, value] : run.environment.value.items()) environment += row(name, value, "");
  return "<section><details><summary>Settings</summary><p class=\"remark\">Marked: changed from the model's "
         "defaults.</p><div class=\"scroll\"><table>\n" +
         settings_rows(run.config, get_string(run.summary, "model")) +
         "</table></div></details>\n<details><summary>Environment</summary><div class=\"scroll\"><table>\n" +
         environment + "</table></div></details></section>\n";
}

}  // namespace snag
