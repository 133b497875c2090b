#include "base/canvas.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/font.h"
#include "base/png.h"

namespace snag {
namespace {

// Anchors at heat 0, 1/8, .. 1: CIE L* 1 to 96 in equal steps, hue from violet (300 degrees) to yellow (102), chroma
// 36 to 76 and at most 92 % of what sRGB holds there.
constexpr std::array<Rgb, 9> anchors{{{4, 3, 6},
                                      {43, 8, 97},
                                      {97, 17, 122},
                                      {162, 24, 104},
                                      {222, 35, 77},
                                      {245, 99, 62},
                                      {250, 154, 71},
                                      {253, 202, 107},
                                      {255, 246, 174}}};

int tile_width(std::size_t size, int h, int scale) {
  if (h <= 0 || scale <= 0 || size % static_cast<std::size_t>(h) != 0) {
    throw Error(Exit::io, "canvas: a tile of " + std::to_string(size) + " pixels, height " + std::to_string(h) +
                              ", scale " + std::to_string(scale) + "; give whole rows and a positive scale");
  }
  return static_cast<int>(size / static_cast<std::size_t>(h));
}

}  // namespace

Rgb heat_colour(float heat) {
  if (std::isnan(heat)) {
    return {0, 255, 0};
  }
  const float place = std::clamp(heat, 0.0f, 1.0f) * static_cast<float>(anchors.size() - 1);
  const auto left = std::min(static_cast<std::size_t>(place), anchors.size() - 2);
  const float share = place - static_cast<float>(left);
  Rgb colour;
  for (std::size_t c = 0; c < colour.size(); ++c) {
    const float a = anchors[left][c], b = anchors[left + 1][c];
    colour[c] = static_cast<std::uint8_t>(std::lround(a + share * (b - a)));
  }
  return colour;
}

Canvas::Canvas(int width_, int height_, Rgb background) : width(width_), height(height_) {
  if (width <= 0 || height <= 0) {
    throw Error(Exit::io, "canvas: cannot be " + std::to_string(width) + " x " + std::to_string(height) +
                              " pixels; give positive sizes");
  }
  pixels.resize(std::size_t{3} * static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  fill(0, 0, width, height, background);
}

void Canvas::fill(int x, int y, int w, int h, Rgb colour) {
  for (int row = std::max(y, 0); row < std::min(y + h, height); ++row) {
    for (int column = std::max(x, 0); column < std::min(x + w, width); ++column) {
      const std::size_t at =
          3 * (static_cast<std::size_t>(row) * static_cast<std::size_t>(width) + static_cast<std::size_t>(column));
      std::copy(colour.begin(), colour.end(), pixels.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
}

Rgb Canvas::at(int x, int y) const {
  const std::size_t i =
      3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x));
  return {pixels.at(i), pixels.at(i + 1), pixels.at(i + 2)};
}

void Canvas::image_tile(int x, int y, std::span<const std::uint8_t> tile, int h, int scale, int channels) {
  const int w = tile_width(tile.size(), h * channels, scale);
  for (int i = 0; i < w * h; ++i) {
    const std::uint8_t* p = &tile[static_cast<std::size_t>(i * channels)];
    fill(x + scale * (i % w), y + scale * (i / w), scale, scale,
         channels == 1 ? Rgb{p[0], p[0], p[0]} : Rgb{p[0], p[1], p[2]});
  }
}

void Canvas::heat_tile(int x, int y, std::span<const float> tile, int h, float hottest, int scale) {
  const int w = tile_width(tile.size(), h, scale);
  for (int i = 0; i < w * h; ++i) {
    const float heat = tile[static_cast<std::size_t>(i)];
    // A tile without heat divides by nothing and stays cold.
    fill(x + scale * (i % w), y + scale * (i / w), scale, scale, heat_colour(heat == 0 ? 0 : heat / hottest));
  }
}

void Canvas::text(int x, int y, std::string_view line, Rgb colour, int scale) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool known = line[i] >= ' ' && line[i] <= '~';
    const std::size_t code = known ? static_cast<std::size_t>(line[i] - ' ') : 95;
    const int left = x + static_cast<int>(i) * glyph_advance * scale;
    for (int row = 0; row < glyph_height; ++row) {
      const std::string_view dots = font_strips[code / 16][row].substr((code % 16) * glyph_advance, glyph_width);
      for (int column = 0; column < glyph_width; ++column) {
        if (dots[static_cast<std::size_t>(column)] == '#') {
          fill(left + scale * column, y + scale * row, scale, scale, colour);
        }
      }
    }
  }
}

int Canvas::text_width(std::string_view line, int scale) {
  return line.empty() ? 0 : scale * (static_cast<int>(line.size()) * glyph_advance - 1);
}

int Canvas::text_height(int scale) { return scale * glyph_height; }

void Canvas::write(const std::string& path) const { write_png(path, width, height, pixels, 3); }

}  // namespace snag
