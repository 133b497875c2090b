#include "data/images.h"

#include "tests/host/data_files.h"

using namespace snag;
using data_test::Bytes;
using data_test::check_error;
using data_test::random_bytes;

// The expected numbers below come from PyTorch 1.13, for a list `pixels` of n * n values:
// x = torch.tensor(pixels).reshape(1, 1, n, n).double()
// torch.floor(F.interpolate(x, size=(m, m), mode='bilinear', align_corners=False) + .5).int().flatten().tolist()

TEST_CASE("resize: 7 to 8 pixels, the ratio of 28 to 32, equals PyTorch") {
  const Images from{1, 7, 7, {175, 196, 25,  246, 67,  211, 151, 103, 92,  185, 142, 23,  72,  89, 110, 42, 218,
                              136, 167, 230, 68,  176, 127, 135, 172, 0,   75,  55,  250, 6,   19, 188, 44, 191,
                              69,  56,  152, 183, 181, 112, 251, 189, 192, 34,  56,  201, 206, 38, 4}};
  const Images to = resize(from, 8);
  CHECK(to.count == 1);
  CHECK(to.height == 8);
  CHECK(to.width == 8);
  CHECK(to.pixels == Bytes{175, 192, 78,  149, 168, 112, 200, 151, 117, 112, 141, 159, 105, 52,  99,  101,
                           108, 67,  161, 168, 131, 140, 161, 75,  147, 101, 146, 163, 120, 95,  127, 61,
                           208, 99,  81,  138, 109, 53,  114, 61,  189, 77,  64,  135, 133, 110, 190, 107,
                           82,  121, 150, 174, 161, 155, 200, 154, 192, 64,  49,  138, 203, 154, 32,  4});
}

TEST_CASE("resize: smaller, and more than twice as large, equal PyTorch") {
  const Images five{1, 5, 5, {238, 137, 87, 227, 195, 72, 83, 176, 1,  192, 144, 118, 159,
                              93,  172, 92, 252, 71,  23, 10, 233, 35, 192, 61,  135}};
  CHECK(resize(five, 3).pixels == Bytes{161, 117, 180, 135, 159, 146, 160, 152, 78});
  const Images two{1, 2, 2, {151, 92, 247, 224}};
  CHECK(resize(two, 5).pixels == Bytes{151, 145, 122, 98,  92,  161, 155, 133, 111, 105, 199, 195, 179,
                                       162, 158, 237, 235, 224, 213, 211, 247, 245, 236, 226, 224});
}

TEST_CASE("resize: images of the wanted size come back unchanged") {
  const Images from{2, 3, 3, random_bytes(18)};
  const Images to = resize(from, 3);
  CHECK(to.count == 2);
  CHECK(to.pixels == from.pixels);
}

TEST_CASE("resize: each image is resized by itself") {
  const Images both{2, 5, 5, random_bytes(50)};
  const Images first{1, 5, 5, {both.pixels.begin(), both.pixels.begin() + 25}};
  const Images second{1, 5, 5, {both.pixels.begin() + 25, both.pixels.end()}};
  CHECK(resize(both, 8).pixels == data_test::operator+(resize(first, 8).pixels, resize(second, 8).pixels));
}

TEST_CASE("resize: an even image stays even, at every size and up to white") {
  for (const int from : {1, 2, 28, 100})
    for (const int to : {1, 7, 32, 64, 1024}) {
      CAPTURE(from);
      CAPTURE(to);
      for (const int value : {0, 1, 254, 255}) {
        const auto pixel = static_cast<std::uint8_t>(value);
        const Images even{1, from, from, Bytes(static_cast<std::size_t>(from * from), pixel)};
        CHECK(resize(even, to).pixels == Bytes(static_cast<std::size_t>(to * to), pixel));
      }
    }
}

TEST_CASE("resize: no images give no images") { CHECK(resize(Images{0, 28, 28, {}}, 32).pixels.empty()); }

TEST_CASE("resize: impossible sizes are refused") {
  const Images square{1, 2, 2, Bytes(4)}, oblong{1, 2, 3, Bytes(6)};
  for (const int size : {0, -1, 1025})
    check_error([&] { resize(square, size); }, Exit::usage,
                "image size " + std::to_string(size) + "; give one from 1 to 1024");
  check_error([&] { resize(oblong, 2); }, Exit::usage, "2 x 3 pixels; give square ones");
}
