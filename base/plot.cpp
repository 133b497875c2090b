#include "base/plot.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/markup.h"
#include "base/svg.h"

namespace snag {
namespace {

using svg::Anchor;

// In units of the view box. The page scales it; letters of 13 units stay legible on a phone.
constexpr double kWidth = 440, kHeight = 280, kName = 14, kRow = 18, kBottom = 44, kRight = 20, kLetter = 7.4;
constexpr int kTicksX = 7, kTicksY = 5;

const char* outline(Mark mark) {
  switch (mark) {
    case Mark::dot:
      return "M-4 0A4 4 0 1 1 4 0A4 4 0 1 1-4 0Z";
    case Mark::square:
      return "M-3.6-3.6H3.6V3.6H-3.6Z";
    case Mark::triangle:
      return "M0-5L4.6 3.4H-4.6Z";
    case Mark::diamond:
      return "M0-5.2L5.2 0L0 5.2L-5.2 0Z";
  }
  return "";
}

std::string line_between(Point a, Point b, const std::string& css) { return svg::line(a.x, a.y, b.x, b.y, css); }

bool finite(Point p) { return std::isfinite(p.x) && std::isfinite(p.y); }

// Of each half pixel's points the first, lowest, highest and last: the drawing is the same, and its size is bounded.
std::vector<Point> thinned(std::span<const Point> points) {
  std::vector<Point> out;
  const auto column = [](Point p) { return std::floor(2 * p.x); };
  for (std::size_t begin = 0, end = 0; begin < points.size(); begin = end) {
    while (end < points.size() && column(points[end]) == column(points[begin])) ++end;
    const auto lower = [&](std::size_t a, std::size_t b) { return points[a].y < points[b].y; };
    std::size_t low = begin, high = begin;
    for (std::size_t i = begin; i < end; ++i) {
      if (lower(i, low)) low = i;
      if (lower(high, i)) high = i;
    }
    std::vector<std::size_t> kept{begin, low, high, end - 1};
    std::sort(kept.begin(), kept.end());
    kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
    for (const std::size_t i : kept) out.push_back(points[i]);
  }
  return out;
}

}  // namespace

Plot::Plot(std::string title, Axis x, Axis y, bool labels_above)
    : title_(std::move(title)),
      x_(std::move(x)),
      y_(std::move(y)),
      x_ticks_(ticks_of(x_, kTicksX)),
      y_ticks_(ticks_of(y_, kTicksY)),
      top_(kName + 12 + (labels_above ? kRow : 0)) {
  std::size_t letters = 0;
  for (const Tick& t : y_ticks_) letters = std::max(letters, t.text.size());
  left_ = 14 + kLetter * static_cast<double>(letters);
}

Point Plot::at(Point p) const {
  return {left_ + (p.x - x_.low) / (x_.high - x_.low) * (kWidth - kRight - left_),
          kHeight - kBottom - (p.y - y_.low) / (y_.high - y_.low) * (kHeight - top_ - kBottom)};
}

std::string Plot::path(std::span<const Point> points, bool closed) const {
  std::string d;
  const double floor = at({x_.low, y_.low}).y;
  for (std::size_t begin = 0, end = 0; begin < points.size(); begin = end) {
    std::vector<Point> run;
    for (end = begin; end < points.size() && finite(points[end]); ++end) run.push_back(at(points[end]));
    if (end == begin) ++end;
    if (run.empty()) continue;
    const std::vector<Point> kept = thinned(run);
    for (std::size_t i = 0; i < kept.size(); ++i)
      d += (i == 0 ? "M" : "L") + decimal(kept[i].x, 1) + " " + decimal(kept[i].y, 1);
    if (closed)
      d += "L" + decimal(run.back().x, 1) + " " + decimal(floor, 1) + "L" + decimal(run.front().x, 1) + " " +
           decimal(floor, 1) + "Z";
  }
  return d;
}

void Plot::line(std::span<const Point> points, const std::string& css) {
  over_ += "<path class=\"line " + css + "\" d=\"" + path(points, false) + "\"/>\n";
}

void Plot::area(std::span<const Point> points, const std::string& css) {
  under_ += "<path class=\"area " + css + "\" d=\"" + path(points, true) + "\"/>\n";
}

void Plot::band(std::span<const Point> low, std::span<const Point> high, const std::string& css) {
  std::vector<Point> outline(low.begin(), low.end());
  outline.insert(outline.end(), high.rbegin(), high.rend());
  std::string d;
  for (const Point p : outline) d += (d.empty() ? "M" : "L") + decimal(at(p).x, 1) + " " + decimal(at(p).y, 1);
  under_ += "<path class=\"band " + css + "\" d=\"" + d + "Z\"/>\n";
}

void Plot::dashed(Point from, Point to, const std::string& css) {
  over_ += line_between(at(from), at(to), "dashed " + css);
}

void Plot::upright(double x, const std::string& label, const std::string& css) {
  const Point top = at({x, y_.high}), bottom = at({x, y_.low});
  const double half = kLetter * static_cast<double>(label.size()) / 2;
  const Anchor anchor = top.x - half < 2 ? Anchor::start : top.x + half > kWidth - 2 ? Anchor::end : Anchor::middle;
  over_ += line_between({top.x, top.y - 3}, bottom, "dashed " + css);
  over_ += svg::text(top.x, top_ - 8, anchor, "strong", label);
}

void Plot::mark(Point p, Mark mark, const std::string& css, const std::string& hint) {
  if (!finite(p)) return;
  const Point c = at(p);
  over_ += "<path class=\"mark " + css + "\" transform=\"translate(" + decimal(c.x, 1) + " " + decimal(c.y, 1) +
           ")\" d=\"" + outline(mark) + "\"><title>" + escape_html(hint) + "</title></path>\n";
}

std::string Plot::svg() const {
  std::string out = svg::open(kWidth, kHeight, title_);
  for (const Tick& t : y_ticks_) {
    const Point p = at({x_.low, t.value});
    out += line_between(p, {kWidth - kRight, p.y}, "grid");
    out += svg::text(left_ - 8, p.y + 4.5, Anchor::end, "tick", t.text);
  }
  out += under_;
  out += line_between(at({x_.low, y_.low}), at({x_.high, y_.low}), "axis");
  for (const Tick& t : x_ticks_) {
    const Point p = at({t.value, y_.low});
    out += line_between(p, {p.x, p.y + 4}, "axis");
    out += svg::text(p.x, p.y + 19, Anchor::middle, "tick", t.text);
  }
  out += svg::text(2, kName, Anchor::start, "name", y_.label);
  out += svg::text((left_ + kWidth - kRight) / 2, kHeight - 5, Anchor::middle, "name", x_.label);
  return out + over_ + svg::close();
}

}  // namespace snag
