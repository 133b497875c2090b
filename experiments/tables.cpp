#include "experiments/tables.h"

#include <algorithm>

#include "base/markup.h"

namespace snag {
namespace {

// Against the first variant, over the same classes; only where both are whole.
std::string difference(const Results& r, std::size_t variant) {
  const auto first = r.of_all_classes(0, &Outcome::auroc), own = r.of_all_classes(variant, &Outcome::auroc);
  if (variant == 0 || !first || !own || !r.plan().variants[variant].config.hold_out.empty()) return "";
  const double d = own->mean - first->mean;
  return (d < 0 ? "−" : "+") + decimal(std::abs(d), 4);
}

std::string lowest_class(const Results& r, std::size_t variant) {
  std::optional<double> lowest;
  int which = 0;
  for (const int label : r.plan().classes) {
    const auto e = r.of_class(variant, label, &Outcome::auroc);
    if (e && (!lowest || e->mean < *lowest)) lowest = e->mean, which = label;
  }
  return lowest ? decimal(*lowest, 4) + " (" + std::to_string(which) + ")" : "–";
}

TextTable over_classes(const Results& r) {
  TextTable table{"Means over the normal classes",
                  {"", "AUROC", "against the first", "lowest class", "validation AUROC", "average precision", "F1",
                   "balanced accuracy", "seconds a run"},
                  {}};
  for (std::size_t v = 0; v < r.plan().variants.size(); ++v)
    table.rows.push_back(
        {r.plan().variants[v].name, shown(r.of_all_classes(v, &Outcome::auroc)), difference(r, v), lowest_class(r, v),
         shown(r.of_all_classes(v, &Outcome::validation_auroc)),
         shown(r.of_all_classes(v, &Outcome::average_precision)), shown(r.of_all_classes(v, &Outcome::best_f1)),
         shown(r.of_all_classes(v, &Outcome::balanced_accuracy)), shown(r.of_all_classes(v, &Outcome::seconds), 0)});
  return table;
}

TextTable per_class(const Results& r) {
  TextTable table{"AUROC of each normal class", {""}, {}};
  for (const int label : r.plan().classes) table.header.push_back(std::to_string(label));
  for (std::size_t v = 0; v < r.plan().variants.size(); ++v) {
    std::vector<std::string> row{r.plan().variants[v].name};
    for (const int label : r.plan().classes) row.push_back(shown(r.of_class(v, label, &Outcome::auroc)));
    table.rows.push_back(row);
  }
  return table;
}

// For each variant that keeps one class out, beside what the first variant, which saw it, reaches on that class.
TextTable unseen(const Results& r) {
  TextTable table{"AUROC on the anomaly class that training never saw, in brackets that of " +
                      r.plan().variants.front().name + ", which saw it",
                  {"held out"},
                  {}};
  for (const int label : r.plan().classes) table.header.push_back("normal " + std::to_string(label));
  std::vector<std::vector<double>> apart(r.plan().classes.size()), seen = apart;
  for (std::size_t v = 0; v < r.plan().variants.size(); ++v) {
    const std::vector<int>& held = r.plan().variants[v].config.hold_out;
    if (held.size() != 1) continue;
    std::vector<std::string> row{std::to_string(held.front())};
    for (std::size_t c = 0; c < r.plan().classes.size(); ++c) {
      const auto own = r.of_pair(v, r.plan().classes[c], held.front()),
                 first = r.of_pair(0, r.plan().classes[c], held.front());
      row.push_back(own ? shown(own) + (first ? " (" + shown(first) + ")" : "") : "–");
      if (!own || !first) continue;
      apart[c].push_back(own->mean);
      seen[c].push_back(first->mean);
    }
    table.rows.push_back(row);
  }
  std::vector<std::string> mean{"mean"};
  for (std::size_t c = 0; c < apart.size(); ++c)
    mean.push_back(
        apart[c].empty() ? "–" : decimal(estimate(apart[c]).mean, 4) + " (" + decimal(estimate(seen[c]).mean, 4) + ")");
  table.rows.push_back(mean);
  return table;
}

TextTable settings_of(const Plan& plan) {
  TextTable table{"Settings that differ from the model's defaults", {"", "model", "settings"}, {}};
  for (const Variant& v : plan.variants) table.rows.push_back({v.name, v.config.model, changed_settings(v.config)});
  return table;
}

}  // namespace

std::vector<TextTable> tables_of(const Results& r) {
  std::vector<TextTable> tables{over_classes(r), per_class(r)};
  if (r.holds_out()) tables.push_back(unseen(r));
  tables.push_back(settings_of(r.plan()));
  return tables;
}

std::string markdown(const TextTable& table) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::string text = "|";
    for (const std::string& cell : cells) text += " " + cell + " |";
    return text + "\n";
  };
  std::string text = "**" + table.caption + "**\n\n" + line(table.header) + "|";
  for (std::size_t i = 0; i < table.header.size(); ++i) text += i == 0 ? " --- |" : " ---: |";
  text += "\n";
  for (const auto& row : table.rows) text += line(row);
  return text;
}

std::string html(const TextTable& table) {
  const auto line = [](const std::vector<std::string>& cells, const char* tag) {
    std::string text = "<tr>";
    for (const std::string& cell : cells) text += std::string("<") + tag + ">" + escape_html(cell) + "</" + tag + ">";
    return text + "</tr>\n";
  };
  std::string text =
      "<figure class=\"wide\"><h3>" + escape_html(table.caption) + "</h3>\n<div class=\"scroll\"><table>\n";
  text += line(table.header, "th");
  for (const auto& row : table.rows) text += line(row, "td");
  return text + "</table></div></figure>\n";
}

std::string scope(const Results& r, std::size_t planned) {
  std::string classes;
  for (const int label : r.plan().classes) classes += (classes.empty() ? "" : ", ") + std::to_string(label);
  return "Normal classes " + classes + ", each against all others of the whole official test file; " +
         (r.plan().seeds > 1 ? "seeds 0 to " + std::to_string(r.plan().seeds - 1) : "seed 0") + "; " +
         std::to_string(r.outcomes().size()) + " of " + std::to_string(planned) +
         " runs finished. F1 and balanced accuracy are those at the threshold that is best by each on the validation "
         "part." +
         (r.plan().seeds > 1 ? " ± is the half width of the 95 % confidence interval over seeds (Student's t)."
                             : " One seed: no interval can be given.");
}

}  // namespace snag
