#include "data/images.h"

#include <algorithm>
#include <string>

#include "base/error.h"

namespace snag {
namespace {

// Up to this size the weighted sum of four bytes below stays under 2^31.
constexpr int largest_size = 1024;

// One output coordinate: ((unit - weight) * in[first] + weight * in[second]) / unit, where unit = 2 * output size.
struct Tap {
  std::size_t first, second;
  std::uint32_t weight;
};

// Output o lies at (o + 1/2) * from / to - 1/2 = ((2 o + 1) from - to) / (2 to): all fractions have the divisor 2 to.
std::vector<Tap> taps(int from, int to) {
  std::vector<Tap> result;
  const std::int64_t unit = 2 * std::int64_t{to};
  for (std::int64_t o = 0; o < to; ++o) {
    const std::int64_t at = std::max<std::int64_t>(0, (2 * o + 1) * from - to);
    const std::int64_t first = at / unit;
    result.push_back({static_cast<std::size_t>(first),
                      static_cast<std::size_t>(std::min<std::int64_t>(first + 1, from - 1)),
                      static_cast<std::uint32_t>(at % unit)});
  }
  return result;
}

}  // namespace

Images resize(const Images& from, int size) {
  if (from.height != from.width)
    throw Error(Exit::usage, "resize: images are " + std::to_string(from.height) + " x " + std::to_string(from.width) +
                                 " pixels; give square ones");
  if (size < 1 || size > largest_size)
    throw Error(Exit::usage,
                "resize: image size " + std::to_string(size) + "; give one from 1 to " + std::to_string(largest_size));
  if (size == from.width) return from;

  const std::vector<Tap> axis = taps(from.width, size);
  const auto in_width = static_cast<std::size_t>(from.width);
  const auto out_width = static_cast<std::size_t>(size);
  const auto unit = static_cast<std::uint32_t>(2 * size);
  const std::uint32_t area = unit * unit, half = area / 2;
  Images to{from.count, size, size, {}};
  to.pixels.resize(static_cast<std::size_t>(from.count) * out_width * out_width);

  std::vector<std::uint32_t> wide(in_width * out_width);  // one image, [in, out]: columns interpolated, times unit
  std::vector<std::uint32_t> line(out_width);
  std::uint8_t* out = to.pixels.data();
  for (int i = 0; i < from.count; ++i) {
    const std::uint8_t* in = from.image(i).data();
    for (std::size_t y = 0; y < in_width; ++y)
      for (std::size_t x = 0; x < out_width; ++x)
        wide[y * out_width + x] = (unit - axis[x].weight) * in[y * in_width + axis[x].first] +
                                  axis[x].weight * in[y * in_width + axis[x].second];
    for (const Tap& row : axis) {
      const std::uint32_t* upper = &wide[row.first * out_width];
      const std::uint32_t* lower = &wide[row.second * out_width];
      const std::uint32_t down = row.weight, up = unit - down;
      for (std::size_t x = 0; x < out_width; ++x) line[x] = (up * upper[x] + down * lower[x] + half) / area;
      out = std::copy(line.begin(), line.end(), out);
    }
  }
  return to;
}

}  // namespace snag
