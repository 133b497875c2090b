#include "base/svg.h"

#include "base/markup.h"

namespace snag::svg {
namespace {

std::string number(const char* name, double value) { return std::string(" ") + name + "=\"" + decimal(value, 1) + '"'; }

}  // namespace

std::string open(double width, double height, const std::string& title) {
  return "<svg class=\"plot\" viewBox=\"0 0 " + decimal(width, 1) + ' ' + decimal(height, 1) +
         "\" role=\"img\" aria-label=\"" + escape_html(title) + "\">\n";
}

std::string close() { return "</svg>\n"; }

std::string text(double x, double y, Anchor anchor, const std::string& css, const std::string& words) {
  const char* const anchors[] = {"start", "middle", "end"};
  return "<text class=\"" + css + '"' + number("x", x) + number("y", y) + " text-anchor=\"" +
         anchors[static_cast<int>(anchor)] + "\">" + escape_html(words) + "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2, const std::string& css) {
  return "<line class=\"" + css + '"' + number("x1", x1) + number("y1", y1) + number("x2", x2) + number("y2", y2) +
         "/>\n";
}

}  // namespace snag::svg
