#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/markup.h"
#include "base/plot.h"

namespace snag {
namespace {

// The step nearest above `raw` that people count in.
double nice_step(double raw) {
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (const double k : {1.0, 2.0, 5.0})
    if (raw <= k * power * (1 + 1e-9)) return k * power;
  return 10 * power;
}

double step_of(const Axis& axis, int count) {
  const double step = nice_step((axis.high - axis.low) / count);
  return axis.ticks == Ticks::whole ? std::max(step, 1.0) : step;
}

// Decimals that tell multiples of the step apart.
int places_of(double step) { return std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9))); }

// All texts of an axis are in one unit, so that none is long.
std::string tick_text(double value, double step, const Axis& axis) {
  if (axis.ticks == Ticks::percent) return decimal(100 * value, places_of(100 * step)) + "%";
  const double most = std::max(std::abs(axis.low), std::abs(axis.high));
  const bool small_numbers = places_of(step) <= 4 && most < 1e4;
  if (value == 0 && !small_numbers) return "0";
  if (places_of(step) > 4 || most >= 1e9) {
    std::array<char, 40> text{};
    return {text.begin(), std::to_chars(text.begin(), text.end(), value, std::chars_format::scientific, 1).ptr};
  }
  const double unit = most >= 1e6 ? 1e6 : most >= 1e4 ? 1e3 : 1;
  const char* const letter = unit == 1e6 ? "M" : unit == 1e3 ? "k" : "";
  const int places = places_of(step / unit);
  return (places > 0 ? decimal(value / unit, places) : grouped(std::llround(value / unit))) + letter;
}

}  // namespace

std::vector<Tick> ticks_of(const Axis& axis, int count) {
  const double step = step_of(axis, count);
  std::vector<Tick> out;
  const double last = std::floor(axis.high / step + 1e-6);
  for (double k = std::ceil(axis.low / step - 1e-6); k <= last; ++k)
    out.push_back({k * step, tick_text(k * step, step, axis)});
  return out;
}

Axis rounded(Axis axis, int count) {
  if (!(axis.high > axis.low)) {
    const double room = axis.ticks == Ticks::whole ? 1 : std::max(std::abs(axis.low) * 0.1, 1e-9);
    axis.low -= room;
    axis.high += room;
  }
  const double step = step_of(axis, count);
  axis.low = std::floor(axis.low / step + 1e-6) * step;
  axis.high = std::ceil(axis.high / step - 1e-6) * step;
  return axis;
}

}  // namespace snag
