#include <algorithm>
#include <functional>

#include "base/markup.h"
#include "models/report_parts.h"

namespace snag {
namespace {

// The losses of one plot, and how to draw them.
struct Group {
  std::string heading;
  std::function<bool(const std::string& name)> holds;
  std::string shared;  // the part of their names that the heading tells
  std::vector<std::string> css;
  bool discriminators = false;
};

bool of_discriminator(const std::string& name) { return name.starts_with("discriminator"); }
bool of_normal(const std::string& name) { return !of_discriminator(name) && name.ends_with("_normal"); }
bool of_anomalous(const std::string& name) { return !of_discriminator(name) && name.ends_with("_anomalous"); }

const std::vector<Group>& groups() {
  static const std::vector<std::string> terms{"c-t1", "c-t2", "c-t3", "c-t4"};
  static const std::vector<Group> list{
      {"Total loss",
       [](const std::string& n) { return !of_discriminator(n) && !of_normal(n) && !of_anomalous(n); },
       "",
       {"c-ink", "c-t1", "c-t2", "c-t3"}},
      {"Discriminators", of_discriminator, "discriminator_", {"c-odd", "c-normal"}, true},
      {"Generator, normal images", of_normal, "_normal", terms},
      {"Generator, anomalous images", of_anomalous, "_anomalous", terms}};
  return list;
}

std::string shown_name(std::string name, const std::string& shared) {
  if (const std::size_t at = name.find(shared); !shared.empty() && at != std::string::npos)
    name.erase(at, shared.size());
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string loss_figure(const RunRecord& run, const Group& group) {
  std::vector<RunRecord::Losses> drawn;
  std::copy_if(run.losses.begin(), run.losses.end(), std::back_inserter(drawn),
               [&](const auto& l) { return group.holds(l.name) && !l.curve.empty(); });
  if (drawn.empty()) return "";
  // (D(x) - 1)^2 + D(y)^2 is least, 0.25 + 0.25, when D cannot tell x from y: it answers 0.5 to both.
  constexpr double kNothingLearned = 0.5;
  double last = 1, low = 0, high = group.discriminators ? kNothingLearned * 1.1 : 0;
  for (const RunRecord::Losses& l : drawn)
    for (const Point p : l.curve) {
      last = std::max(last, p.x);
      low = std::min(low, p.y);
      high = std::max(high, p.y);
    }
  Plot plot(group.heading + ", losses over steps", {"step", 0, last, Ticks::whole}, rounded({"loss", low, high}));
  std::vector<Key> keys;
  const char* const glyphs[] = {"●", "■", "▲", "◆"};
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const std::string name = shown_name(drawn[i].name, group.shared), css = group.css[i % group.css.size()];
    const Point end = drawn[i].curve.back();
    const std::string text = name + " " + significant(end.y, 3);
    plot.line(drawn[i].curve, css);
    plot.mark(end, static_cast<Mark>(i % 4), css, text);
    keys.push_back({css, glyphs[i % 4], text});
  }
  if (group.discriminators) {
    plot.dashed({0, kNothingLearned}, {last, kNothingLearned}, "c-soft");
    keys.push_back({"dash c-soft", "", "0.5 = 0.25 per term: learned nothing"});
  }
  return figure(group.heading, keys, plot.svg());
}

}  // namespace

std::string training_figures(const RunRecord& run) {
  std::string figures;
  for (const Group& group : groups()) figures += loss_figure(run, group);
  if (figures.empty()) return "";
  return "<section><h2>How it learned</h2><div class=\"plots\">" + figures + "</div></section>\n";
}

}  // namespace snag
