#include "kernels/cpu/window.h"

#include <algorithm>

namespace snag {
namespace {

Stretch stretch_at(const WindowAxis& a, int p) {
  const int in = p * a.step + a.origin, out = p * a.out_step + a.out_origin;
  Stretch s{p,
            p + 1,
            std::clamp(-in, 0, a.window),
            std::clamp(a.in - in, 0, a.window),
            std::clamp(-out, 0, a.groups),
            std::clamp(a.out - out, 0, a.groups)};
  if (s.low >= s.high) s.low = s.high = 0;
  return s;
}

bool alike(const Stretch& a, const Stretch& b) {
  return a.low == b.low && a.high == b.high && a.first_group == b.first_group && a.end_group == b.end_group;
}

WindowAxis down_axis(int big, int small, Conv g) {
  return {.in = big,
          .window = g.kernel,
          .step = g.stride,
          .origin = -g.pad,
          .positions = small,
          .out = small,
          .out_step = 1,
          .out_origin = 0,
          .groups = 1};
}

// Big y = stride*p + residue - pad sees small p - j through tap residue + stride*j.
WindowAxis up_axis(int big, int small, Conv g) {
  const int window = (g.kernel + g.stride - 1) / g.stride, first = g.pad / g.stride,
            last = (big - 1 + g.pad) / g.stride;
  return {.in = small,
          .window = window,
          .step = 1,
          .origin = first - (window - 1),
          .positions = last - first + 1,
          .out = big,
          .out_step = g.stride,
          .out_origin = first * g.stride - g.pad,
          .groups = g.stride};
}

bool pointwise(Conv g) { return g.kernel == 1 && g.stride == 1 && g.pad == 0; }

// Pixels that see no neighbours need no images and lines.
WindowProblem one_line(ConstView in, View out) {
  const int pixels = out.shape.pixels();
  return {
      in.data, out.data, 1, in.shape.c, out.shape.c, down_axis(1, 1, {1, 1, 0}), down_axis(pixels, pixels, {1, 1, 0}),
      true};
}

}  // namespace

Stretches stretches(Scratch& scratch, const WindowAxis& a, bool whole) {
  if (whole) {
    Stretch* s = scratch.take<Stretch>(static_cast<std::size_t>(a.groups));
    for (int g = 0; g < a.groups; ++g) {
      const auto writes = [&](int p) {
        const int out = p * a.out_step + a.out_origin + g;
        return out >= 0 && out < a.out;
      };
      int begin = 0, end = a.positions;
      while (begin < end && !writes(begin)) ++begin;
      while (begin < end && !writes(end - 1)) --end;
      s[g] = {begin, end, 0, a.window, g, g + 1};
    }
    return {s, a.groups};
  }
  Stretch* s = scratch.take<Stretch>(static_cast<std::size_t>(a.positions));
  int count = 0;
  for (int p = 0; p < a.positions; ++p) {
    const Stretch next = stretch_at(a, p);
    if (count > 0 && alike(s[count - 1], next))
      s[count - 1].end = p + 1;
    else
      s[count++] = next;
  }
  return {s, count};
}

WindowProblem window_problem(const ConvDown& k) {
  const Shape big = k.big.shape, small = k.small.shape;
  if (pointwise(k.g)) return one_line(k.big, k.small);
  return {
      k.big.data, k.small.data, small.n, big.c, small.c, down_axis(big.h, small.h, k.g), down_axis(big.w, small.w, k.g),
      false};
}

WindowProblem window_problem(const ConvUp& k) {
  const Shape big = k.big.shape, small = k.small.shape;
  if (pointwise(k.g)) return one_line(k.small, k.big);
  return {k.small.data, k.big.data, small.n, small.c, big.c, up_axis(big.h, small.h, k.g), up_axis(big.w, small.w, k.g),
          false};
}

}  // namespace snag
