#include "base/png.h"

#include <doctest/doctest.h>
#include <png.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/canvas.h"
#include "base/file.h"
#include "tests/error_of.h"
#include "tests/temp_folder.h"

namespace snag {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Decoded {
  int width, height;
  Bytes pixels;
};

Decoded decode(const std::string& path, png_uint_32 format) {
  const std::string file = read_file(path);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_memory(&image, file.data(), file.size()) != 0);
  CHECK(image.format == format);
  Decoded out{static_cast<int>(image.width), static_cast<int>(image.height), Bytes(PNG_IMAGE_SIZE(image))};
  REQUIRE(png_image_finish_read(&image, nullptr, out.pixels.data(), 0, nullptr) != 0);
  return out;
}

Bytes ramp(std::size_t n) {
  Bytes bytes(n);
  for (std::size_t i = 0; i < n; ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 37);
  }
  return bytes;
}

// CIE L* of an sRGB colour, 0 .. 100.
double lightness(const Rgb& c) {
  const auto linear = [](double s) { return s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4); };
  const double y = 0.2126 * linear(c[0] / 255.0) + 0.7152 * linear(c[1] / 255.0) + 0.0722 * linear(c[2] / 255.0);
  return y > 216.0 / 24389 ? 116 * std::cbrt(y) - 16 : y * 24389 / 27;
}

int inked(const Canvas& canvas) {
  int count = 0;
  for (int y = 0; y < canvas.height; ++y) {
    for (int x = 0; x < canvas.width; ++x) {
      count += canvas.at(x, y) != white ? 1 : 0;
    }
  }
  return count;
}

TEST_CASE("gray and RGB pixels come back from the PNG as they went in") {
  const TempFolder folder;
  const Bytes gray = ramp(7 * 5), rgb = ramp(7 * 5 * 3);
  write_png(folder / "gray.png", 7, 5, gray, 1);
  write_png(folder / "rgb.png", 7, 5, rgb, 3);
  const Decoded a = decode(folder / "gray.png", PNG_FORMAT_GRAY), b = decode(folder / "rgb.png", PNG_FORMAT_RGB);
  CHECK(a.width == 7);
  CHECK(a.height == 5);
  CHECK(a.pixels == gray);
  CHECK(b.pixels == rgb);
}

TEST_CASE("equal pixels give equal files") {
  const TempFolder folder;
  write_png(folder / "a.png", 64, 64, ramp(64 * 64), 1);
  write_png(folder / "b.png", 64, 64, ramp(64 * 64), 1);
  CHECK(read_file(folder / "a.png") == read_file(folder / "b.png"));
}

TEST_CASE("sizes that do not agree are an Error that names them, and write nothing") {
  const TempFolder folder;
  const Bytes pixels = ramp(12);
  const auto write = [&](int w, int h, int channels) { write_png(folder / "x.png", w, h, pixels, channels); };
  check_error(error_of([&] { write(4, 4, 1); }), Exit::io, {folder / "x.png", "height 4", "12 bytes"});
  check_error(error_of([&] { write(3, 2, 2); }), Exit::io, {"channels 2"});
  check_error(error_of([&] { write(-4, -3, 1); }), Exit::io, {"width -4"});
  check_error(error_of([&] { write_png(folder / "x.png", 0, 0, {}, 1); }), Exit::io, {"width 0"});
  const int most = std::numeric_limits<int>::max();
  check_error(error_of([&] { write(most, most, 3); }), Exit::io, {"12 bytes"});
  CHECK(folder.entries() == 0);
}

TEST_CASE("a PNG that cannot be written is an Error") {
  check_error(error_of([] { write_png("/dev/full", 1, 1, ramp(1), 1); }), Exit::io, {"/dev/full", "No space"});
}

TEST_CASE("a gray tile is enlarged by squares at its place") {
  Canvas canvas(8, 6);
  canvas.image_tile(1, 2, Bytes{10, 20, 30, 40}, 2, 2);
  CHECK(canvas.at(1, 2) == Rgb{10, 10, 10});
  CHECK(canvas.at(2, 3) == Rgb{10, 10, 10});
  CHECK(canvas.at(3, 2) == Rgb{20, 20, 20});
  CHECK(canvas.at(4, 5) == Rgb{40, 40, 40});
  CHECK(inked(canvas) == 16);
}

TEST_CASE("what lies outside a canvas is clipped on every side") {
  Canvas canvas(3, 3);
  canvas.image_tile(-1, -1, Bytes(25, 0), 5);
  CHECK(inked(canvas) == 9);
  Canvas other(4, 4);
  other.image_tile(2, 3, Bytes(4, 0), 2, 3);
  CHECK(inked(other) == 2);
  CHECK_NOTHROW(other.text(-3, -3, "off the edge"));
}

TEST_CASE("a tile of broken rows and a canvas without area are Errors") {
  Canvas canvas(4, 4);
  check_error(error_of([&] { canvas.image_tile(0, 0, Bytes(5, 0), 2); }), Exit::io, {"5 pixels", "height 2"});
  check_error(error_of([&] { canvas.image_tile(0, 0, Bytes(4, 0), 2, 0); }), Exit::io, {"scale 0"});
  check_error(error_of([] { Canvas(0, 3); }), Exit::io, {"0 x 3"});
}

TEST_CASE("equal steps of heat are equal steps of lightness") {
  double before = -1;
  for (int i = 0; i <= 100; ++i) {
    const double l = lightness(heat_colour(static_cast<float>(i) / 100));
    CHECK(std::abs(l - (1 + 0.95 * i)) < 2);
    CHECK(l > before);
    before = l;
  }
}

TEST_CASE("heat is relative to the hottest, clamped, and NaN shows") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Canvas canvas(5, 1);
  canvas.heat_tile(0, 0, std::vector<float>{-1, 0, 2, 9, nan}, 1, 4);
  CHECK(canvas.at(0, 0) == heat_colour(0));
  CHECK(canvas.at(1, 0) == heat_colour(0));
  CHECK(canvas.at(2, 0) == heat_colour(0.5f));
  CHECK(canvas.at(3, 0) == heat_colour(1));
  CHECK(canvas.at(4, 0) == Rgb{0, 255, 0});
  canvas.heat_tile(0, 0, std::vector<float>{0, 1}, 1, 0);
  CHECK(canvas.at(0, 0) == heat_colour(0));
  CHECK(canvas.at(1, 0) == heat_colour(1));
}

TEST_CASE("text takes the announced room, and every printable character has a glyph of its own") {
  std::vector<Bytes> seen;
  for (char c = '!'; c <= '~'; ++c) {
    Canvas canvas(Canvas::text_width("x"), Canvas::text_height());
    canvas.text(0, 0, std::string(1, c));
    CAPTURE(c);
    CHECK(inked(canvas) > 0);
    CHECK(std::find(seen.begin(), seen.end(), canvas.pixels) == seen.end());
    seen.push_back(canvas.pixels);
  }
  Canvas narrow(Canvas::text_width("Wg", 3), Canvas::text_height(3)), wide(100, 100);
  narrow.text(0, 0, "Wg", black, 3);
  wide.text(0, 0, "Wg", black, 3);
  CHECK(inked(narrow) == inked(wide));
}

}  // namespace
}  // namespace snag
