#include "base/plot.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "base/markup.h"

namespace snag {
namespace {

std::string texts(const Axis& axis, int count = 5) {
  std::string out;
  for (const Tick& t : ticks_of(axis, count)) out += (out.empty() ? "" : " ") + t.text;
  return out;
}

std::size_t count_of(const std::string& what, const std::string& text) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST_CASE("ticks are multiples of 1, 2 or 5 with the decimals that tell them apart") {
  CHECK(texts({"", 0, 1}) == "0.0 0.2 0.4 0.6 0.8 1.0");
  CHECK(texts({"", 0.13, 3.2}, 7) == "0.5 1.0 1.5 2.0 2.5 3.0");
  CHECK(texts({"", 0, 0.0007}) == "0.0000 0.0002 0.0004 0.0006");
  CHECK(texts({"", -1, 1}) == "-1.0 -0.5 0.0 0.5 1.0");
  CHECK(texts({"", 0, 0.3, Ticks::percent}, 3) == "0% 10% 20% 30%");
  CHECK(texts({"", 0, 3760}) == "0 1,000 2,000 3,000");
  CHECK(texts({"", 0, 37600}) == "0 10k 20k 30k");
  CHECK(texts({"", 0, 2e6}) == "0 0.5M 1.0M 1.5M 2.0M");
  CHECK(texts({"", 0, 3e-7}, 3) == "0 1.0e-07 2.0e-07 3.0e-07");
}

TEST_CASE("an axis of whole numbers has no ticks between them") {
  CHECK(texts({"", 0, 1, Ticks::whole}) == "0 1");
  CHECK(texts({"", 0, 3, Ticks::whole}) == "0 1 2 3");
}

TEST_CASE("a rounded axis ends at ticks and holds the values, also when they are all equal") {
  const Axis axis = rounded({"", 0.13, 0.94});
  CHECK(axis.low == doctest::Approx(0));
  CHECK(axis.high == doctest::Approx(1));
  for (const double same : {0.0, 1.0, -5.0, 1e-12, 1e12}) {
    const Axis some = rounded({"", same, same});
    CHECK(some.low < same);
    CHECK(some.high > same);
    CHECK(ticks_of(some, 5).size() >= 2);
  }
}

TEST_CASE("a line of a million points stays small and keeps its spikes") {
  std::vector<Point> points;
  for (int i = 0; i < 1000000; ++i) points.push_back({double(i), i == 777777 ? 1.0 : 0.5});
  Plot plot("many", {"x", 0, 1e6}, {"y", 0, 1});
  plot.line(points, "c");
  const std::string svg = plot.svg();
  CHECK(svg.size() < 100000);
  Plot top("top", {"x", 0, 1e6}, {"y", 0, 1});
  top.line(std::vector<Point>{{777777, 1}}, "c");
  const std::string lone = top.svg();
  const std::size_t begin = lone.find("d=\"M") + 4;
  CHECK(svg.find("L" + lone.substr(begin, lone.find('"', begin) - begin)) != std::string::npos);
}

TEST_CASE("a point that is not finite breaks the line") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Plot plot("broken", {"x", 0, 4}, {"y", 0, 1});
  plot.line(std::vector<Point>{{0, nan}, {1, 0}, {2, 1}, {3, nan}, {4, 1}}, "c");
  CHECK(count_of("M", plot.svg()) == 2);
  CHECK(plot.svg().find("nan") == std::string::npos);
}

TEST_CASE("what a plot says is escaped") {
  Plot plot("<b>", {"<x>", 0, 1}, {"<y>", 0, 1}, true);
  plot.upright(0.5, "<label>", "c");
  plot.mark({0, 0}, Mark::dot, "c", "<hint>");
  const std::string svg = plot.svg() + bar_chart("<b>", std::vector<Bar>{{"<bar>", 1, "c"}}, {"<x>", 0, 1}, 0, 2);
  for (const char* raw : {"<b>", "<x>", "<y>", "<label>", "<hint>", "<bar>"}) CHECK(svg.find(raw) == std::string::npos);
  for (const char* word : {"&lt;x&gt;", "&lt;label&gt;", "&lt;hint&gt;", "&lt;bar&gt;"})
    CHECK(svg.find(word) != std::string::npos);
}

TEST_CASE("a long label of a bar is cut between characters") {
  const std::string svg = bar_chart("", std::vector<Bar>{{"ääääääääääääääää", 1, "c"}}, {"", 0, 1}, 0, 2);
  CHECK(svg.find(">ääääääää…<") != std::string::npos);
}

TEST_CASE("text is escaped for element content and attributes") {
  CHECK(escape_html("a<b>&\"'\t\n\x01ü") == "a&lt;b&gt;&amp;&quot;&#39;\t\n\uFFFDü");
}

TEST_CASE("base64 as in RFC 4648") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xff\xfe\xfd") == "//79");
}

TEST_CASE("numbers for people") {
  CHECK(decimal(0.97349, 3) == "0.973");
  CHECK(decimal(-0.001, 2) == "0.00");
  CHECK(decimal(-1.5, 1) == "-1.5");
  CHECK(decimal(std::numeric_limits<double>::max(), 0).size() == 309);
  CHECK(decimal(-INFINITY, 3) == "−∞");
  CHECK(significant(0.0036131, 3) == "0.00361");
  CHECK(significant(9.5, 4) == "9.5");
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(-1000) == "-1,000");
  CHECK(grouped(1234567) == "1,234,567");
}

TEST_CASE("a bar's interval is a whisker around its end, and its number stands clear of it") {
  const Axis axis{"x", 0, 1};
  const std::vector<Bar> plain{{"a", 0.5, "c"}}, with{{"a", 0.5, "c", 0.25}};
  const std::string without = bar_chart("t", plain, axis, 0, 2), whisker = bar_chart("t", with, axis, 0, 2);
  CHECK(count_of("class=\"whisker\"", without) == 0);
  CHECK(count_of("class=\"whisker\"", whisker) == 3);
  // 268 units of width from x = 112: 0.25 is at 179, 0.5 at 246, 0.75 at 313
  CHECK(count_of("x1=\"179.0\" y1=\"19.0\" x2=\"313.0\" y2=\"19.0\"", whisker) == 1);
  CHECK(count_of("x=\"319.0\"", whisker) == 1);
  CHECK(count_of("x=\"252.0\"", without) == 1);
}

TEST_CASE("a heat map has a cell for each finite number, the stronger the nearer to its strong end") {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const std::string svg =
      heat_map({"t", "row", "column", {"r<0>", "r1"}, {"a", "b"}, {{1, none}, {0.75, 0.2}}, 1, 0.5, "c"}, 2);
  CHECK(count_of("<rect class=\"cell c\"", svg) == 3);
  for (const char* opacity : {"fill-opacity=\"0.00\"", "fill-opacity=\"0.42\"", "fill-opacity=\"0.85\""})
    CHECK_MESSAGE(count_of(opacity, svg) == 1, opacity);
  CHECK(count_of("NaN", svg) == 0);
  CHECK(count_of("r&lt;0&gt;", svg) > 0);
}

}  // namespace
}  // namespace snag
