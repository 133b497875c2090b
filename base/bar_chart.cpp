#include <algorithm>

#include "base/markup.h"
#include "base/plot.h"
#include "base/svg.h"

namespace snag {
namespace {

using svg::Anchor;

constexpr double kBarsWidth = 440, kBarRow = 26, kBar = 16, kTop = 6, kFoot = 40, kLabels = 112, kNumbers = 60;
constexpr std::size_t kLetters = 17;

std::string where(const char* x, double at_x, const char* y, double at_y) {
  return std::string(x) + "=\"" + decimal(at_x, 1) + "\" " + y + "=\"" + decimal(at_y, 1) + "\"";
}

// Whole UTF-8 characters: a byte 10xxxxxx continues one.
std::string shortened(const std::string& label) {
  if (label.size() <= kLetters) return label;
  std::size_t end = kLetters - 1;
  while (end > 0 && (static_cast<unsigned char>(label[end]) & 0xc0) == 0x80) --end;
  return label.substr(0, end) + "…";
}

}  // namespace

std::string bar_chart(const std::string& title, std::span<const Bar> bars, const Axis& axis, double base, int places) {
  const double floor = kTop + kBarRow * static_cast<double>(bars.size()), height = floor + kFoot;
  const auto at = [&](double value) {
    const double share = std::clamp((value - axis.low) / (axis.high - axis.low), 0.0, 1.0);
    return kLabels + share * (kBarsWidth - kLabels - kNumbers);
  };
  std::string out = svg::open(kBarsWidth, height, title);
  for (const Tick& t : ticks_of(axis, 5)) {
    out += svg::line(at(t.value), kTop, at(t.value), floor, "grid");
    out += svg::text(at(t.value), floor + 16, Anchor::middle, "tick", t.text);
  }
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const Bar& bar = bars[i];
    const double top = kTop + kBarRow * static_cast<double>(i) + (kBarRow - kBar) / 2, line = top + kBar / 2 + 4.5;
    const double from = std::min(at(base), at(bar.value)), to = std::max(at(base), at(bar.value));
    out += svg::text(kLabels - 8, line, Anchor::end, "label", shortened(bar.label));
    out += "<rect class=\"bar " + bar.css + "\" " + where("x", from, "y", top) + " " +
           where("width", std::max(to - from, 1.0), "height", kBar) + " rx=\"2\"><title>" +
           escape_html(bar.label + ": " + decimal(bar.value, places)) + "</title></rect>\n";
    double right = to;
    if (bar.half > 0) {
      const double low = at(bar.value - bar.half), high = at(bar.value + bar.half), middle = top + kBar / 2;
      out += svg::line(low, middle, high, middle, "whisker") + svg::line(low, middle - 4, low, middle + 4, "whisker") +
             svg::line(high, middle - 4, high, middle + 4, "whisker");
      right = std::max(to, high);
    }
    out += svg::text(right + 6, line, Anchor::start, "strong", decimal(bar.value, places));
  }
  out += svg::line(at(base), kTop, at(base), floor + 3, "axis");
  out += svg::text((kLabels + kBarsWidth - kNumbers) / 2, height - 5, Anchor::middle, "name", axis.label);
  return out + svg::close();
}

}  // namespace snag
