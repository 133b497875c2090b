#include "models/heat_map.h"

#include <algorithm>
#include <cmath>

#include "models/judge.h"

namespace snag {
namespace {

constexpr int kPanel = 256, kGap = 8, kTop = 24;
constexpr float kHottest = 1;  // half of 2, which is from black to white

std::vector<std::uint8_t> overlay(std::span<const std::uint8_t> image, std::span<const float> error, int channels) {
  std::vector<std::uint8_t> out;
  for (std::size_t i = 0; i < error.size(); ++i) {
    const float heat = std::clamp(error[i] / kHottest, 0.f, 1.f), cover = std::min(1.f, 2 * heat);
    const Rgb colour = heat_colour(heat);
    for (std::size_t c = 0; c < 3; ++c) {
      const float under = image[channels == 1 ? i : 3 * i + c];
      out.push_back(static_cast<std::uint8_t>(std::lround((1 - cover) * under + cover * float(colour[c]))));
    }
  }
  return out;
}

}  // namespace

Canvas heat_map(std::span<const std::uint8_t> image, std::span<const float> reconstruction,
                std::span<const float> error, int size, int channels) {
  const int scale = std::max(1, kPanel / size), panel = scale * size;
  Canvas canvas(3 * panel + 4 * kGap, panel + kTop + kGap);
  const auto left = [&](int i) { return kGap + i * (panel + kGap); };
  const char* const names[] = {"image", "reconstruction", "error"};
  for (int i = 0; i < 3; ++i) canvas.text(left(i), 5, names[i], black, 2);
  canvas.image_tile(left(0), kTop, image, size, scale, channels);
  canvas.image_tile(left(1), kTop, as_bytes(reconstruction), size, scale, channels);
  canvas.image_tile(left(2), kTop, overlay(image, error, channels), size, scale, 3);
  return canvas;
}

}  // namespace snag
