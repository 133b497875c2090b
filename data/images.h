#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace snag {

// Classes of Fashion-MNIST (and of MNIST and its kin): labels are 0 .. class_count - 1.
inline constexpr int class_count = 10;

// Images of one size, 8 bits a value: grey, or red, green and blue.
struct Images {
  int count = 0, height = 0, width = 0;
  std::vector<std::uint8_t> pixels;  // [count, height, width, channels]
  int channels = 1;                  // 1 or 3

  // Image i, [height, width, channels]; 0 <= i < count.
  std::span<const std::uint8_t> image(int i) const {
    const std::size_t area =
        static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
    return {pixels.data() + static_cast<std::size_t>(i) * area, area};
  }
};

struct LabelledImages {
  Images images;
  std::vector<std::uint8_t> labels;  // [images.count], 0 .. class_count - 1
};

// Square images brought to size x size pixels: bilinear, half-pixel centres (PyTorch's align_corners = false), edge
// clamped, no antialiasing. Computed in integers and rounded to nearest (half up), so equal on every machine.
// A copy when the images already have that size. Throws Exit::usage for a size outside 1 .. 1024 or images that are
// not square.
Images resize(const Images& from, int size);

}  // namespace snag
