#pragma once
#include <string>

namespace snag::svg {

// Elements of a drawing. Attributes of text and shape come from the page's style sheet, by class.

// `title` is read out in place of the picture.
std::string open(double width, double height, const std::string& title);
std::string close();

enum class Anchor { start, middle, end };
std::string text(double x, double y, Anchor, const std::string& css, const std::string& words);
std::string line(double x1, double y1, double x2, double y2, const std::string& css);

}  // namespace snag::svg
