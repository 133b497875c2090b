#include <algorithm>
#include <cmath>

#include "base/markup.h"
#include "base/plot.h"
#include "base/svg.h"

namespace snag {
std::string heat_map(const HeatMap& map, int places) {
  using svg::Anchor;
  constexpr double kWidth = 560, kLabels = 112, kRow = 30, kTop = 44, kGap = 2, kStrongest = 0.85;
  const double column = (kWidth - kLabels) / static_cast<double>(std::max<std::size_t>(map.columns.size(), 1));
  const double height = kTop + kRow * static_cast<double>(map.rows.size()) + kGap;
  std::string out = svg::open(kWidth, height, map.title);
  out += svg::text(kLabels + (kWidth - kLabels) / 2, 14, Anchor::middle, "name", map.column_name);
  out += svg::text(kLabels - 8, kTop - 10, Anchor::end, "name", map.row_name);
  for (std::size_t c = 0; c < map.columns.size(); ++c)
    out += svg::text(kLabels + column * (static_cast<double>(c) + 0.5), kTop - 10, Anchor::middle, "label",
                     map.columns[c]);
  for (std::size_t r = 0; r < map.rows.size(); ++r) {
    const double top = kTop + kRow * static_cast<double>(r), line = top + kRow / 2 + 4.5;
    out += svg::text(kLabels - 8, line, Anchor::end, "label", map.rows[r]);
    for (std::size_t c = 0; c < map.columns.size(); ++c) {
      const double value = map.values[r][c], left = kLabels + column * static_cast<double>(c);
      if (!std::isfinite(value)) continue;
      const double share = std::clamp((value - map.faint) / (map.strong - map.faint), 0.0, 1.0);
      out += "<rect class=\"cell " + map.css + "\" x=\"" + decimal(left + kGap / 2, 1) + "\" y=\"" +
             decimal(top + kGap / 2, 1) + "\" width=\"" + decimal(column - kGap, 1) + "\" height=\"" +
             decimal(kRow - kGap, 1) + "\" fill-opacity=\"" + decimal(kStrongest * share, 2) + "\"><title>" +
             escape_html(map.rows[r] + ", " + map.columns[c] + ": " + decimal(value, 4)) + "</title></rect>\n";
      out += svg::text(left + column / 2, line, Anchor::middle, "strong", decimal(value, places));
    }
  }
  return out + svg::close();
}

}  // namespace snag
