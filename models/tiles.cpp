#include "models/tiles.h"

#include <algorithm>
#include <vector>

#include "models/judge.h"
#include "models/sample_layout.h"

namespace snag {
namespace {

// [side, side, channels] with `factor` x `factor` pixels averaged into one: what is larger than a tile is shown
// smaller.
template <class T>
std::vector<T> shrunk(std::span<const T> from, int side, int channels, int factor) {
  if (factor == 1) return {from.begin(), from.end()};
  const int to = side / factor;
  std::vector<float> sum(static_cast<std::size_t>(to * to * channels), 0);
  for (int i = 0; i < side * side * channels; ++i) {
    const int c = i % channels, x = i / channels % side / factor, y = i / (channels * side) / factor;
    sum[static_cast<std::size_t>((y * to + x) * channels + c)] += static_cast<float>(from[static_cast<std::size_t>(i)]);
  }
  std::vector<T> mean;
  for (const float s : sum) mean.push_back(static_cast<T>(s / static_cast<float>(factor * factor)));
  return mean;
}

}  // namespace

std::span<const float> of_image(std::span<const float> reconstruction, const Images& images, int i) {
  if (reconstruction.empty()) return {};
  const std::size_t values = images.image(i).size();
  return reconstruction.subspan(static_cast<std::size_t>(i) * values, values);
}

void draw_tiles(Canvas& canvas, int x, int y, const Images& images, int i, std::span<const float> reconstruction) {
  using namespace sample_layout;
  const int factor = std::max(1, images.height / kTile), side = images.height / factor, scale = kTile / side;
  const int channels = images.channels;
  const auto tile = [&](int row, std::span<const std::uint8_t> image) {
    canvas.image_tile(x, y + row * (kTile + kGap), shrunk(image, images.height, channels, factor), side, scale,
                      channels);
  };
  tile(0, images.image(i));
  if (reconstruction.empty()) return;
  tile(1, as_bytes(reconstruction));
  const std::vector<float> error = error_map(images.image(i), reconstruction, channels);
  canvas.heat_tile(x, y + 2 * (kTile + kGap), shrunk(std::span<const float>(error), images.height, 1, factor), side, 2,
                   scale);
}

}  // namespace snag
