#pragma once
#include <span>
#include <string>
#include <vector>

namespace snag {

// Plots as inline SVG for an HTML page. They hold geometry alone; the page's style sheet colours them through classes:
// `plot` on the <svg>, inside it `grid`, `axis`, `line`, `area`, `mark`, `dashed` and `bar`, each beside the class that
// the caller gives, whose `color` they take. No text of one plot overlaps another.

struct Point {
  double x, y;
};

enum class Ticks { any, whole, percent };  // whole: at integers only

struct Axis {
  std::string label;
  double low, high;
  Ticks ticks = Ticks::any;
};

// Multiples of 1, 2 or 5 times a power of ten inside the axis, about `count` of them, and their texts.
struct Tick {
  double value;
  std::string text;
};
std::vector<Tick> ticks_of(const Axis&, int count);

// The axis with its ends moved outwards to ticks; one of no length gets some.
Axis rounded(Axis, int count = 5);

enum class Mark { dot, square, triangle, diamond };

class Plot {
 public:
  // `title` is read out in place of the picture. `labels_above` keeps a row free for the labels of upright().
  Plot(std::string title, Axis x, Axis y, bool labels_above = false);

  // Points in the order of x; one that is not finite breaks the line. At most four are drawn for each half pixel of
  // width: the first, the lowest, the highest and the last.
  void line(std::span<const Point>, const std::string& css);
  // The same, filled down to the axis.
  void area(std::span<const Point>, const std::string& css);
  // What lies between two lines; all points are finite.
  void band(std::span<const Point> low, std::span<const Point> high, const std::string& css);
  // A dashed line between two points.
  void dashed(Point from, Point to, const std::string& css);
  // A dashed line at x over the whole height, its label above the plot.
  void upright(double x, const std::string& label, const std::string& css);
  // `hint` shows when the pointer rests on the mark.
  void mark(Point, Mark, const std::string& css, const std::string& hint);

  std::string svg() const;

 private:
  Point at(Point) const;
  std::string path(std::span<const Point>, bool closed) const;

  std::string title_;
  Axis x_, y_;
  std::vector<Tick> x_ticks_, y_ticks_;
  double left_, top_;
  std::string under_, over_;  // what is drawn under and over the axes
};

// Horizontal bars from `base` to each value, with label and number; labels are cut to the room there is. `half` is half
// the width of an interval around the value, drawn as a whisker (class `whisker`); 0 for none.
struct Bar {
  std::string label;
  double value;
  std::string css;
  double half = 0;
};
std::string bar_chart(const std::string& title, std::span<const Bar>, const Axis&, double base, int places);

// A table of numbers as coloured cells (class `cell`, opacity from 0 at `faint` to 1 at `strong`); one that is not
// finite is empty.
struct HeatMap {
  std::string title, row_name, column_name;
  std::vector<std::string> rows, columns;
  std::vector<std::vector<double>> values;  // [rows][columns]
  double faint, strong;
  std::string css;
};
std::string heat_map(const HeatMap&, int places);

}  // namespace snag
