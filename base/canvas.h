#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace snag {

using Rgb = std::array<std::uint8_t, 3>;

inline constexpr Rgb black{0, 0, 0};
inline constexpr Rgb white{255, 255, 255};

// Heat 0 .. 1 as a colour, black through violet, red and orange to light yellow, clamped. CIE lightness L* rises from 1
// to 96 in proportion to the heat (within 2), so equal steps of heat look equal and a gray print keeps the order. NaN
// is a green that the scale does not hold.
Rgb heat_colour(float heat);

// An RGB image to lay out grids of small images with labels. What falls outside is clipped.
struct Canvas {
  // Error of Exit::io unless both sizes are positive.
  Canvas(int width, int height, Rgb background = white);

  // Tiles are [h, w] with w = tile.size() / h; each pixel becomes a square of `scale` pixels, the corner at (x, y).
  // Error of Exit::io when h or scale is not positive or h does not divide the size.
  // channels: 1 for gray, 3 for a tile [h, w, 3] in colour
  void image_tile(int x, int y, std::span<const std::uint8_t> tile, int h, int scale = 1, int channels = 1);
  // hottest: the value that takes the last colour; 0 takes the first. Share one among tiles to be compared.
  void heat_tile(int x, int y, std::span<const float> tile, int h, float hottest, int scale = 1);

  // One line of printable ASCII (capitals of 5x7 dots, two more below), the top left corner at (x, y); other bytes show
  // as a filled box.
  void text(int x, int y, std::string_view line, Rgb colour = black, int scale = 1);
  static int text_width(std::string_view line, int scale = 1);
  static int text_height(int scale = 1);

  void fill(int x, int y, int w, int h, Rgb colour);
  Rgb at(int x, int y) const;  // inside only
  void write(const std::string& path) const;

  int width, height;
  std::vector<std::uint8_t> pixels;  // [height, width, 3]
};

}  // namespace snag
