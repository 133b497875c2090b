#include <algorithm>

#include "tests/engine/onnx_ops.h"

namespace snag {
namespace {

constexpr std::size_t kRows = 1, kColumns = 2, kChannels = 3;  // axes of a channels last Grid

// One spatial axis of a convolution in ONNX's terms.
struct Axis {
  int extent, kernel, stride = 1, dilation = 1, before = 0, after = 0;
  int window() const { return (kernel - 1) * dilation + 1; }
};

struct Geometry {
  Axis h, w;
  bool one_axis = false;  // of a 1-D convolution: then h is a row of 1
};

// Attributes that list one number for each spatial axis; of a 1-D convolution the only one is that of columns.
Geometry geometry(const Record& r) {
  const std::vector<int>& x = r.in[0].dims;
  const std::vector<int>& k = r.in[1].dims;
  if (x.size() > 4) throw Inexpressible("three spatial axes");
  Geometry g{.h = {.extent = x[x.size() - 2], .kernel = k[k.size() - 2]},
             .w = {.extent = x.back(), .kernel = k.back()}};
  g.one_axis = x.size() == 3;
  const std::size_t axes = g.one_axis ? 1 : 2;
  const auto each = [&](const char* key, int Axis::*member, std::size_t of = 1, std::size_t offset = 0) {
    const std::vector<int> values = r.list(key);
    if (values.empty()) return;
    if (values.size() != of * axes) throw Inexpressible(std::string("odd ") + key);
    g.h.*member = values[offset * axes];
    g.w.*member = values[offset * axes + axes - 1];
  };
  each("strides", &Axis::stride);
  each("dilations", &Axis::dilation);
  each("pads", &Axis::before, 2, 0);
  each("pads", &Axis::after, 2, 1);
  // a row of 1 and a kernel of 1 row; any stride does, and equal strides are what our ops have
  if (g.one_axis) g.h = {.extent = 1, .kernel = 1, .stride = g.w.stride};
  return g;
}

// Padding so that `total` of it makes the output as large as asked for.
void pad_to_fit(Axis& a, int total, const std::string& auto_pad) {
  total = std::max(total, 0);
  a.before = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
  a.after = total - a.before;
}

Grid channels_last(const Tensor& x) {
  const Shape s = x.shape();
  return {x, {s.n, s.h, s.w, s.c}};
}
Tensor image(const Grid& g) { return reshape(g.x, {g.dims[0], g.dims[kChannels], g.dims[kRows], g.dims[kColumns]}); }

// The kernel with zeros between its taps, and zeros after them until it is square.
Tensor square_kernel(const Tensor& w, const Geometry& g) {
  Grid k = channels_last(w);
  const int side = std::max(g.h.window(), g.w.window());
  for (const auto& [axis, a] : {std::pair{kRows, g.h}, {kColumns, g.w}}) {
    if (a.dilation > 1) k = slice(spread(k, axis, a.dilation), axis, 0, a.window());
    if (a.window() < side) k = pad(k, axis, 0, side - a.window());
  }
  return image(k);
}

bool symmetric(const Geometry& g) {
  return g.h.window() == g.w.window() && g.h.before == g.h.after && g.w.before == g.w.after && g.h.before == g.w.before;
}

Tensor convolve(const Tensor& x, const Tensor& w, const Geometry& g) {
  if (g.h.stride != g.w.stride) throw Inexpressible("strides differ");
  const Tensor k = square_kernel(w, g);
  const int side = k.shape().h;
  if (symmetric(g)) return conv_down(x, k, {side, g.h.stride, g.h.before});
  Grid padded = channels_last(x);
  for (const auto& [axis, a] : {std::pair{kRows, g.h}, {kColumns, g.w}})
    padded = pad(padded, axis, a.before, a.after + side - a.window());
  return conv_down(image(padded), k, {side, g.h.stride, 0});
}

Tensor convolve_transposed(const Tensor& x, const Tensor& w, const Geometry& g, int h, int width) {
  const Tensor k = square_kernel(w, g);
  const int side = k.shape().h;
  const Conv direct{side, g.h.stride, g.h.before};
  if (g.h.stride == g.w.stride && g.h.window() == g.w.window() && g.h.before == g.w.before &&
      direct.down(h) == g.h.extent && direct.down(width) == g.w.extent)
    return conv_up(x, k, direct, h, width);
  // with zeros between the pixels the stride is 1; then cut out what the padding leaves
  const Grid apart = spread(spread(channels_last(x), kRows, g.h.stride), kColumns, g.w.stride);
  Grid y = channels_last(conv_up(image(apart), k, {side, 1, 0}));
  for (const auto& [axis, a, extent] : {std::tuple{kRows, g.h, h}, {kColumns, g.w, width}}) {
    const int missing = a.before + extent - y.dims[axis];
    y = slice(missing > 0 ? pad(y, axis, 0, missing) : y, axis, a.before, extent);
  }
  return image(y);
}

Tensor with_bias(const Call& c, const Tensor& y) { return c.r.in.size() < 3 ? y : add_bias(y, c.flat(2)); }

}  // namespace

Outputs onnx_conv(const Call& c) {
  const Record& r = c.r;
  Geometry g = geometry(r);
  const std::string auto_pad = r.word("auto_pad");
  if (auto_pad.starts_with("SAME"))
    for (Axis* a : {&g.h, &g.w}) {
      const int out = (a->extent + a->stride - 1) / a->stride;
      pad_to_fit(*a, (out - 1) * a->stride + a->window() - a->extent, auto_pad);
    }
  const Tensor x = c.image(), w = c.image(1);
  const int groups = static_cast<int>(r.number("group", 1)), outputs = w.shape().n / groups;
  Tensor y;
  for (int k = 0; k < groups; ++k) {
    const Tensor part = groups == 1 ? convolve(x, w, g)
                                    : convolve(slice_channels(x, k * w.shape().c, w.shape().c),
                                               slice_images(w, k * outputs, outputs), g);
    y = k == 0 ? part : concat_channels(y, part);
  }
  return {get_image(with_bias(c, y))};
}

Outputs onnx_conv_transpose(const Call& c) {
  const Record& r = c.r;
  Geometry g = geometry(r);
  if (r.number("group", 1) != 1) throw Inexpressible("groups of a transposed convolution");
  const std::vector<int> more = r.list("output_padding"), shape = r.list("output_shape");
  const std::string auto_pad = r.word("auto_pad");
  int extents[2];
  for (std::size_t k = 0; Axis * a : {&g.h, &g.w}) {
    const int full = (a->extent - 1) * a->stride + a->window() + (more.empty() ? 0 : more.at(k));
    const int wanted = !shape.empty()                 ? shape.at(k)
                       : auto_pad.starts_with("SAME") ? a->extent * a->stride
                                                      : full - a->before - a->after;
    if (!shape.empty() || auto_pad.starts_with("SAME")) pad_to_fit(*a, full - wanted, auto_pad);
    extents[k++] = wanted;
  }
  const Tensor x = c.image(), w = c.image(1);
  return {get_image(with_bias(c, convolve_transposed(x, w, g, extents[0], extents[1])))};
}

}  // namespace snag
