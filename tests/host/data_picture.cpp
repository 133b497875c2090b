#include "data/picture.h"

#include <png.h>
#include <turbojpeg.h>

#include "base/png.h"
#include "data/at.h"
#include "tests/host/data_files.h"

using namespace snag;
using data_test::Bytes;
using data_test::check_error;
using data_test::operator+;
using data_test::random_bytes;
using data_test::TempDir;

namespace {

Picture noise(int height, int width, int channels, std::uint64_t seed = 1) {
  return {height, width, channels, random_bytes(at(height * width * channels), seed)};
}

// A PNG of any form that libpng's simplified interface writes.
std::filesystem::path write_png_as(const TempDir& dir, const std::string& name, int side, png_uint_32 format,
                                   const void* pixels, const void* palette = nullptr, int colours = 0) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = image.height = static_cast<png_uint_32>(side);
  image.format = format;
  image.colormap_entries = static_cast<png_uint_32>(colours);
  const std::string path = (dir.path() / name).string();
  REQUIRE(png_image_write_to_file(&image, path.c_str(), 0, pixels, 0, palette));
  return path;
}

Bytes jpeg(const Picture& p, int quality = 95) {
  const tjhandle coder = tjInitCompress();
  unsigned char* data = nullptr;
  unsigned long size = 0;
  const bool gray = p.channels == 1;
  REQUIRE(tjCompress2(coder, p.pixels.data(), p.width, 0, p.height, gray ? TJPF_GRAY : TJPF_RGB, &data, &size,
                      gray ? TJSAMP_GRAY : TJSAMP_444, quality, 0) == 0);
  const Bytes bytes(data, data + size);
  tjFree(data);
  tjDestroy(coder);
  return bytes;
}

// The definition, by brute force: pixels repeated `size` times, then blocks of the original length averaged.
std::vector<std::uint8_t> by_repetition(const Picture& p, int size) {
  std::vector<std::uint8_t> out;
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x)
      for (int c = 0; c < p.channels; ++c) {
        std::int64_t sum = 0;
        for (int v = y * p.height; v < (y + 1) * p.height; ++v)
          for (int u = x * p.width; u < (x + 1) * p.width; ++u)
            sum += p.pixels[at((v / size * p.width + u / size) * p.channels + c)];
        const std::int64_t area = std::int64_t{p.height} * p.width;
        out.push_back(static_cast<std::uint8_t>((2 * sum + area) / (2 * area)));
      }
  return out;
}

}  // namespace

TEST_CASE("resample: shrinking takes the mean of the area that a pixel covers") {
  for (const auto& [height, width, channels, size] :
       {std::tuple(8, 8, 1, 4), {7, 11, 1, 4}, {13, 9, 3, 5}, {5, 64, 3, 3}, {33, 40, 1, 32}}) {
    const Picture p = noise(height, width, channels), q = resample(p, size);
    CHECK(q.height == size);
    CHECK(q.width == size);
    CHECK(q.channels == channels);
    CHECK(q.pixels == by_repetition(p, size));
  }
}

TEST_CASE("resample: growing equals the resizing of IDX images") {
  const Picture gray = noise(28, 28, 1);
  const Images images{1, 28, 28, gray.pixels};
  for (const int size : {28, 29, 32, 64, 128}) CHECK(resample(gray, size).pixels == resize(images, size).pixels);
}

TEST_CASE("resample: axes are on their own, channels too") {
  const Picture wide = noise(2, 40, 3);  // grows down, shrinks across
  const Picture q = resample(wide, 8);
  for (int c = 0; c < 3; ++c) {
    Picture one{2, 40, 1, {}};
    for (std::size_t i = at(c); i < wide.pixels.size(); i += 3) one.pixels.push_back(wide.pixels[i]);
    std::vector<std::uint8_t> of_colour;
    for (std::size_t i = at(c); i < q.pixels.size(); i += 3) of_colour.push_back(q.pixels[i]);
    CHECK(resample(one, 8).pixels == of_colour);
  }
  const Picture flat{1, 1, 1, {77}};
  CHECK(resample(flat, 32).pixels == std::vector<std::uint8_t>(1024, 77));
  check_error([&] { resample(flat, 0); }, Exit::usage, "0");
  check_error([&] { resample(flat, 1025); }, Exit::usage, "1025");
}

TEST_CASE("PNG: gray, colour, palette, alpha and 16 bits") {
  const TempDir dir;
  const Bytes gray = random_bytes(25), colour = random_bytes(75);
  write_png((dir.path() / "gray.png").string(), 5, 5, gray, 1);
  write_png((dir.path() / "colour.png").string(), 5, 5, colour, 3);
  const Picture g = read_picture(dir.path() / "gray.png"), c = read_picture(dir.path() / "colour.png");
  CHECK(g.channels == 1);
  CHECK(g.pixels == gray);
  CHECK(c.channels == 3);
  CHECK(c.pixels == colour);

  const Bytes palette{255, 0, 0, 0, 128, 0}, indices{0, 1, 1, 0};
  const Picture p =
      read_picture(write_png_as(dir, "palette.png", 2, PNG_FORMAT_RGB_COLORMAP, indices.data(), palette.data(), 2));
  CHECK(p.channels == 3);
  CHECK(p.pixels == Bytes{255, 0, 0, 0, 128, 0, 0, 128, 0, 255, 0, 0});

  const Bytes alpha{10, 20, 30, 255, 10, 20, 30, 0, 10, 20, 30, 255, 10, 20, 30, 0};
  const Picture a = read_picture(write_png_as(dir, "alpha.png", 2, PNG_FORMAT_RGBA, alpha.data()));
  CHECK(a.pixels == Bytes{10, 20, 30, 255, 255, 255, 10, 20, 30, 255, 255, 255});  // laid on white
}

TEST_CASE("PNG: 16 bits a value become the nearest 8") {
  // 4 x 1 gray of 16 bits: 0, 0x8080, 0x0101 * 200, 0xffff; made with Python's zlib.
  const TempDir dir;
  const Bytes file{0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0,    0,    0,    0x0d, 0x49, 0x48, 0x44,
                   0x52, 0,    0,    0,    4,    0,    0,    0,    1,    0x10, 0,    0,    0,    0,    0x8c,
                   0xc7, 0x8c, 0x52, 0,    0,    0,    0x11, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x60,
                   0x60, 0x68, 0x68, 0x38, 0x71, 0xe2, 0xff, 0x7f, 0,    0xd,  0xfe, 4,    0x8f, 0x9a, 0xdc,
                   0x57, 0x2a, 0,    0,    0,    0,    0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
  const Picture p = read_picture(dir.write("sixteen.png", file));
  CHECK(p.channels == 1);
  CHECK(p.pixels == Bytes{0, 128, 200, 255});
}

TEST_CASE("JPEG: gray and colour, near what was stored") {
  const TempDir dir;
  for (const int channels : {1, 3}) {
    Picture smooth{24, 17, channels, {}};
    for (int i = 0; i < 24 * 17 * channels; ++i)
      smooth.pixels.push_back(static_cast<std::uint8_t>(i / channels % 17 * 10 + i % channels * 20));
    const Picture read = read_picture(dir.write("a.png", jpeg(smooth)));  // told by its bytes, not its name
    CHECK(read.height == 24);
    CHECK(read.width == 17);
    REQUIRE(read.channels == channels);
    int worst = 0;
    for (std::size_t i = 0; i < read.pixels.size(); ++i)
      worst = std::max(worst, std::abs(int(read.pixels[i]) - int(smooth.pixels[i])));
    CHECK(worst <= 8);
  }
}

namespace {

// With Exif data of that orientation in front, in that byte order.
Bytes held(const Bytes& jpeg, std::uint8_t orientation, bool big_endian) {
  const auto number = [&](std::uint32_t value, int count) {
    Bytes bytes;
    for (int i = 0; i < count; ++i)
      bytes.push_back(static_cast<std::uint8_t>(value >> 8 * (big_endian ? count - 1 - i : i)));
    return bytes;
  };
  Bytes tiff = big_endian ? Bytes{'M', 'M', 0, 42} : Bytes{'I', 'I', 42, 0};
  tiff = tiff + number(8, 4) + number(2, 2);  // a directory of two entries
  tiff = tiff + number(0x0100, 2) + number(4, 2) + number(1, 4) + number(3, 4);
  tiff = tiff + number(0x0112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + Bytes{0, 0} + number(0, 4);
  const Bytes segment = Bytes{'E', 'x', 'i', 'f', 0, 0} + tiff;
  const Bytes head{0xff, 0xd8, 0xff, 0xe1, 0, static_cast<std::uint8_t>(segment.size() + 2)};
  return head + segment + Bytes(jpeg.begin() + 2, jpeg.end());
}

}  // namespace

TEST_CASE("JPEG: turned as its orientation says") {
  // Six blocks of gray, 16 pixels a side: exact but for rounding.
  const TempDir dir;
  Picture stored{32, 48, 1, {}};
  for (int i = 0; i < 32 * 48; ++i)
    stored.pixels.push_back(static_cast<std::uint8_t>(40 * (i / 48 / 16 * 3 + i % 48 / 16)));
  const Bytes file = jpeg(stored, 100);
  using Blocks = std::vector<std::vector<int>>;
  // Stored: 0 1 2 / 3 4 5. How each lies is Exif's table of where the first row and column are seen.
  const std::vector<Blocks> upright{{{0, 1, 2}, {3, 4, 5}},   {{2, 1, 0}, {5, 4, 3}},   {{5, 4, 3}, {2, 1, 0}},
                                    {{3, 4, 5}, {0, 1, 2}},   {{0, 3}, {1, 4}, {2, 5}}, {{3, 0}, {4, 1}, {5, 2}},
                                    {{5, 2}, {4, 1}, {3, 0}}, {{2, 5}, {1, 4}, {0, 3}}};
  for (const bool big_endian : {false, true})
    for (int orientation = 0; orientation <= 9; ++orientation) {
      CAPTURE(orientation);
      const Picture p =
          read_picture(dir.write("a.jpg", held(file, static_cast<std::uint8_t>(orientation), big_endian)));
      const Blocks& expected = upright[orientation >= 1 && orientation <= 8 ? at(orientation - 1) : 0];
      REQUIRE(p.height == 16 * static_cast<int>(expected.size()));
      REQUIRE(p.width == 16 * static_cast<int>(expected[0].size()));
      int worst = 0;
      for (int y = 0; y < p.height; ++y)
        for (int x = 0; x < p.width; ++x)
          worst = std::max(worst, std::abs(int(p.pixels[at(y * p.width + x)]) - 40 * expected[at(y / 16)][at(x / 16)]));
      CHECK(worst <= 1);
    }
}

TEST_CASE("gray from colour and back") {
  const Picture colour{1, 3, 3, {255, 255, 255, 255, 0, 0, 0, 100, 0}};
  CHECK(with_channels(colour, 1).pixels == Bytes{255, 76, 59});
  CHECK(with_channels({1, 2, 1, {7, 9}}, 3).pixels == Bytes{7, 7, 7, 9, 9, 9});
  CHECK(with_channels(colour, 3).pixels == colour.pixels);
}

TEST_CASE("pictures that are none") {
  const TempDir dir;
  const Bytes good_jpeg = jpeg(noise(40, 40, 3));
  write_png((dir.path() / "good.png").string(), 40, 40, random_bytes(1600), 1);
  std::ifstream file(dir.path() / "good.png", std::ios::binary);
  const Bytes good_png((std::istreambuf_iterator<char>(file)), {});
  const auto cut = [](const Bytes& b, std::size_t n) {
    return Bytes(b.begin(), b.begin() + static_cast<std::ptrdiff_t>(n));
  };
  const auto flip = [](Bytes b, std::size_t i) {
    b[i] ^= 0xff;
    return b;
  };
  Bytes huge = good_png;
  huge[16] = 0x7f;  // the width; its checksum is wrong, too, but a decoder might not look
  for (const auto& [bytes, part] : {std::pair<Bytes, const char*>{{}, "is empty"},
                                    {{'G', 'I', 'F', '8'}, "neither a PNG nor a JPEG"},
                                    {cut(good_png, 8), "corrupt or truncated PNG"},
                                    {cut(good_png, 30), "corrupt or truncated PNG"},
                                    {cut(good_png, good_png.size() / 2), "corrupt or truncated PNG"},
                                    {flip(good_png, good_png.size() / 2), "corrupt or truncated PNG"},
                                    {huge, "PNG"},
                                    {cut(good_jpeg, 20), "corrupt or truncated JPEG"},
                                    {cut(good_jpeg, good_jpeg.size() / 2), "corrupt or truncated JPEG"},
                                    {flip(good_jpeg, 3), "JPEG"}}) {
    const auto path = dir.write("bad.png", bytes);
    check_error([&] { read_picture(path); }, Exit::data, path.string());
    check_error([&] { read_picture(path); }, Exit::data, part);
  }
  check_error([&] { read_picture(dir.path() / "gone.png"); }, Exit::io, "gone.png");
  CHECK(names_picture("a/B.JPeG"));
  CHECK(names_picture("x.png"));
  CHECK_FALSE(names_picture("x.png.txt"));
}

TEST_CASE("damaged pictures are read or refused, never more than that") {
  const TempDir dir;
  write_png((dir.path() / "good.png").string(), 24, 18, random_bytes(24 * 18 * 3), 3);
  std::ifstream file(dir.path() / "good.png", std::ios::binary);
  const Bytes png((std::istreambuf_iterator<char>(file)), {}), jpg = held(jpeg(noise(18, 24, 3)), 6, true);
  int refused = 0;
  for (const Bytes& good : {png, jpg})
    for (std::uint64_t i = 0; i < 300; ++i) {
      Bytes bad = good;
      const Draw d = philox(7, Stream::sample, 1, i);
      for (int k = 0; k < 1 + d.below(0, 4); ++k)
        bad[at(philox(7, Stream::sample, 2, 8 * i + at(k)).below(0, static_cast<int>(bad.size())))] ^=
            static_cast<std::uint8_t>(1 + d.below(1, 255));
      if (d.below(2, 4) == 0) bad.resize(at(d.below(3, static_cast<int>(bad.size()))));
      try {
        const Picture p = read_picture(dir.write("bad.png", bad));
        CHECK(p.pixels.size() == at(p.height) * at(p.width) * at(p.channels));
      } catch (const Error& e) {
        CHECK(e.code() == Exit::data);
        ++refused;
      }
    }
  CHECK(refused > 300);
}
