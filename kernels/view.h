#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/host_device.h"

namespace snag {

// float in what people run; double in the build that proves the gradients.
#ifndef SNAG_REAL
#define SNAG_REAL float
#endif
using real = SNAG_REAL;
// Reductions accumulate in double, so that the portable forms are a reference for every tuned one.
using wide = double;

// A tensor's extents: images n, channels c, rows h, columns w. A vector is {.c = size}, a scalar is {}.
struct Shape {
  int n = 1, c = 1, h = 1, w = 1;
  HD int size() const { return n * c * h * w; }
  HD int image() const { return c * h * w; }  // elements of one image
  HD int pixels() const { return n * h * w; }
  bool operator==(const Shape&) const = default;
};
inline std::string text(Shape s) {
  return "[" + std::to_string(s.n) + "," + std::to_string(s.c) + "," + std::to_string(s.h) + "," + std::to_string(s.w) +
         "]";
}

// Memory is channels last (NHWC): the channels of a pixel are neighbours. These two functions alone know it.
struct Index {
  int n, c, h, w;
};
HD inline int offset(Shape s, int n, int c, int h, int w) { return ((n * s.h + h) * s.w + w) * s.c + c; }
HD inline Index index(Shape s, int i) { return {i / s.image(), i % s.c, i / (s.c * s.w) % s.h, i / s.c % s.w}; }

struct View {
  real* data = nullptr;
  Shape shape;
  HD real& operator()(int n, int c, int h, int w) const { return data[offset(shape, n, c, h, w)]; }
};

struct ConstView {
  const real* data = nullptr;
  Shape shape;
  ConstView() = default;
  ConstView(const real* d, Shape s) : data(d), shape(s) {}
  ConstView(View v) : data(v.data), shape(v.shape) {}  // NOLINT: a View is readable
  HD real operator()(int n, int c, int h, int w) const { return data[offset(shape, n, c, h, w)]; }
};

// A square convolution that maps `big` to `small`; its transpose maps small to big. Weights are [small c, big c,
// kernel, kernel].
struct Conv {
  int kernel = 4, stride = 2, pad = 1;
  // May the order of an image's sums depend on the number of images? Its last bits then do, too: right for training,
  // wrong for scores.
  bool any_order = false;
  HD Conv in_any_order() const { return {kernel, stride, pad, true}; }
  HD int down(int big) const { return (big + 2 * pad - kernel) / stride + 1; }
  HD int up(int small) const { return (small - 1) * stride - 2 * pad + kernel; }
};

}  // namespace snag
