#include <algorithm>
#include <string>

#include "base/error.h"
#include "data/at.h"
#include "data/picture.h"

namespace snag {
namespace {

constexpr int largest_size = 1024;

// The inputs of one output coordinate: in[first + k] with weight[k]; the weights of an axis' outputs have one sum.
struct Window {
  int first;
  std::vector<std::uint64_t> weight;
};
struct Axis {
  std::vector<Window> windows;
  std::uint64_t sum;
};

// Output o covers o * from .. (o + 1) * from, input i covers i * to .. (i + 1) * to, on a line of from * to units.
Axis shrinking(int from, int to) {
  Axis axis{{}, static_cast<std::uint64_t>(from)};
  for (std::int64_t o = 0; o < to; ++o) {
    const std::int64_t begin = o * from, end = begin + from;
    Window window{static_cast<int>(begin / to), {}};
    for (std::int64_t i = window.first; i * to < end; ++i)
      window.weight.push_back(static_cast<std::uint64_t>(std::min(end, (i + 1) * to) - std::max(begin, i * to)));
    axis.windows.push_back(std::move(window));
  }
  return axis;
}

// Output o lies at (o + 1/2) * from / to - 1/2 = ((2 o + 1) from - to) / (2 to).
Axis growing(int from, int to) {
  const std::int64_t unit = 2 * std::int64_t{to};
  Axis axis{{}, static_cast<std::uint64_t>(unit)};
  for (std::int64_t o = 0; o < to; ++o) {
    const std::int64_t place = std::max<std::int64_t>(0, (2 * o + 1) * from - to), first = place / unit;
    const auto second = static_cast<std::uint64_t>(place % unit);
    if (first + 1 < from)
      axis.windows.push_back({static_cast<int>(first), {axis.sum - second, second}});
    else
      axis.windows.push_back({static_cast<int>(first), {axis.sum}});
  }
  return axis;
}

Axis axis_of(int from, int to) { return to < from ? shrinking(from, to) : growing(from, to); }

}  // namespace

Picture resample(const Picture& from, int size) {
  if (size < 1 || size > largest_size)
    throw Error(Exit::usage, "resample: image size " + std::to_string(size) + "; give one from 1 to " +
                                 std::to_string(largest_size));
  if (from.height == size && from.width == size) return from;
  const Axis rows = axis_of(from.height, size), columns = axis_of(from.width, size);
  const std::uint64_t area = rows.sum * columns.sum, half = area / 2;  // at most 2^28: no sum below reaches 2^37
  const std::size_t c = at(from.channels), line = at(size) * c;
  Picture to{size, size, from.channels, {}};
  to.pixels.resize(at(size) * line);

  // One input row at a time, its columns weighted.
  std::vector<std::uint64_t> wide(line), sums(at(size) * line, 0);
  std::vector<std::vector<std::pair<int, std::uint64_t>>> outputs_of(at(from.height));
  for (int o = 0; o < size; ++o) {
    const Window& w = rows.windows[at(o)];
    for (std::size_t k = 0; k < w.weight.size(); ++k) outputs_of[at(w.first) + k].emplace_back(o, w.weight[k]);
  }
  for (int y = 0; y < from.height; ++y) {
    if (outputs_of[at(y)].empty()) continue;
    const std::uint8_t* in = &from.pixels[at(y) * at(from.width) * c];
    for (int x = 0; x < size; ++x) {
      const Window& w = columns.windows[at(x)];
      for (std::size_t k = 0; k < c; ++k) {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < w.weight.size(); ++i) sum += w.weight[i] * in[(at(w.first) + i) * c + k];
        wide[at(x) * c + k] = sum;
      }
    }
    for (const auto& [o, weight] : outputs_of[at(y)])
      for (std::size_t i = 0; i < line; ++i) sums[at(o) * line + i] += weight * wide[i];
  }
  for (std::size_t i = 0; i < sums.size(); ++i) to.pixels[i] = static_cast<std::uint8_t>((sums[i] + half) / area);
  return to;
}

}  // namespace snag
