#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "base/markup.h"
#include "models/report_parts.h"
#include "models/sample_layout.h"

namespace snag {
namespace {

using namespace sample_layout;

constexpr int kEach = 8;  // columns of normal images, and of anomalous ones, in a usual picture

struct Embedded {
  std::string id, title, uri;
  int width = 0, height = 0;
  bool usual() const { return width == sample_layout::width(2 * kEach, kEach) && height == sample_layout::height(); }
};

Embedded embed(const RunRecord::Picture& picture, std::size_t index) {
  const std::string png = read_file(picture.path);
  std::string title = "epoch\u00a0" + std::to_string(picture.epoch);
  if (picture.step > 0) title += ", step\u00a0" + grouped(picture.step);
  const PngSize size = png_size(png);
  return {"p" + std::to_string(index), title, "data:image/png;base64," + base64(png), size.width, size.height};
}

// Most changes early: the pictures' numbers grow geometrically from the first to the last.
std::vector<std::size_t> milestones(std::size_t count, std::size_t wanted) {
  std::vector<std::size_t> out;
  for (std::size_t k = 0; k < wanted; ++k) {
    const double share = wanted == 1 ? 1 : static_cast<double>(k) / static_cast<double>(wanted - 1);
    const auto i = static_cast<std::size_t>(std::lround(std::pow(static_cast<double>(count), share))) - 1;
    if (out.empty() || i > out.back()) out.push_back(i);
  }
  return out;
}

// One row of tiles of one kind, cut out of the picture that definitions() embeds; all share its bytes.
std::string tiles(const Embedded& p, int row, bool anomalous, const std::string& name) {
  const int x = left(anomalous ? kEach : 0, kEach), span = kEach * (kTile + kGap) - kGap;
  const std::string kind = anomalous ? "anomalous" : "normal";
  return "<div class=\"row\"><span>" + escape_html(name) + "</span><svg class=\"tiles\" viewBox=\"0 0 " +
         std::to_string(span) + " " + std::to_string(kTile) + "\" role=\"img\" aria-label=\"" + kind +
         " images: " + escape_html(name) + "\"><g clip-path=\"url(#tiles)\"><use href=\"#" + p.id + "\" x=\"" +
         std::to_string(-x) + "\" y=\"" + std::to_string(-top(row)) +
         "\"/></g><use class=\"frame\" href=\"#windows\"/></svg></div>\n";
}

std::string definitions(const std::vector<Embedded>& all) {
  std::string windows;
  for (int i = 0; i < kEach; ++i)
    windows += "M" + std::to_string(i * (kTile + kGap)) + " 0h" + std::to_string(kTile) + "v" + std::to_string(kTile) +
               "h-" + std::to_string(kTile) + "z";
  std::string out = "<svg class=\"store\" aria-hidden=\"true\"><defs><path id=\"windows\" d=\"" + windows +
                    "\"/><clipPath id=\"tiles\"><use href=\"#windows\"/></clipPath>\n";
  for (const Embedded& p : all)
    out += "<image id=\"" + p.id + "\" width=\"" + std::to_string(p.width) + "\" height=\"" + std::to_string(p.height) +
           "\" href=\"" + p.uri + "\"/>\n";
  return out + "</defs></svg>\n";
}

std::string last_rows(const Embedded& p, bool anomalous) {
  return tiles(p, 0, anomalous, "input") + tiles(p, 1, anomalous, "reconstruction") + tiles(p, 2, anomalous, "error");
}

std::string film(const std::vector<Embedded>& all, bool anomalous) {
  std::string out = tiles(all.back(), 0, anomalous, "input");
  for (const Embedded& p : all) out += tiles(p, 1, anomalous, p.title);
  return out;
}

// Two frames side by side, one of normal images, one of anomalous ones.
template <class Rows>
std::string frames(Rows rows) {
  return "<div class=\"plots\"><figure><h3 class=\"c-normal\">Normal images: should come back</h3>" + rows(false) +
         "</figure><figure><h3 class=\"c-odd\">Anomalous images: should not</h3>" + rows(true) + "</figure></div>\n";
}

// A picture of another layout, as it is.
std::string whole(const Embedded& p) {
  return "<figure><h3>" + escape_html(p.title) + "</h3><div class=\"scroll\"><img src=\"" + p.uri +
         "\" alt=\"input, reconstruction and error, " + escape_html(p.title) + "\"/></div></figure>\n";
}

}  // namespace

std::string pictures(const RunRecord& run) {
  constexpr std::size_t kFrames = 6;
  if (run.pictures.empty()) return "";
  std::vector<Embedded> all;
  for (const std::size_t i : milestones(run.pictures.size(), std::min(kFrames, run.pictures.size())))
    all.push_back(embed(run.pictures[i], all.size()));
  const Embedded& last = all.back();
  const std::string intro = "<section><h2>What comes back <small>" + escape_html(last.title) + "</small></h2>\n";
  const std::string film_intro = "<section><h2>The same images, from the first steps to the last</h2>\n";
  if (!std::all_of(all.begin(), all.end(), [](const Embedded& p) { return p.usual(); })) {
    std::string film_strip;
    for (std::size_t i = 0; i + 1 < all.size(); ++i) film_strip += whole(all[i]);
    return intro + whole(last) + "</section>\n" + (all.size() > 1 ? film_intro + film_strip + "</section>\n" : "");
  }
  return definitions(all) + intro + frames([&](bool anomalous) { return last_rows(last, anomalous); }) +
         "<p class=\"remark\">Error: black is none, light yellow the whole range from black to white.</p></section>\n" +
         (all.size() > 1 ? film_intro + frames([&](bool anomalous) { return film(all, anomalous); }) + "</section>\n"
                         : "");
}

}  // namespace snag
