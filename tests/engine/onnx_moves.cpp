#include <algorithm>

#include "tests/engine/onnx_ops.h"

namespace snag {
namespace {

int inner(const Grid& g, std::size_t axis) { return product(g.dims, axis + 1, g.dims.size()); }

Grid with_extent(const Tensor& rows, Grid g, std::size_t axis, int extent) {
  g.dims[axis] = extent;
  return {rows, g.dims};
}

Grid put_grid(const Call& c, std::size_t k) { return {c.flat(k), c.dims(k)}; }

std::size_t axis_of(const Call& c) { return static_cast<std::size_t>(c.r.number("axis", 0)); }

}  // namespace

Tensor Grid::rows(std::size_t axis) const {
  return reshape(x, {product(dims, 0, axis), product(dims, axis, dims.size())});
}

Grid slice(const Grid& g, std::size_t axis, int begin, int count) {
  return with_extent(slice_channels(g.rows(axis), begin * inner(g, axis), count * inner(g, axis)), g, axis, count);
}

Grid pad(const Grid& g, std::size_t axis, int before, int after) {
  const int extent = before + g.dims[axis] + after;
  return with_extent(pad_channels(g.rows(axis), before * inner(g, axis), extent * inner(g, axis)), g, axis, extent);
}

Grid spread(const Grid& g, std::size_t axis, int step) {
  const Tensor slices = reshape(g.x, {product(g.dims, 0, axis + 1), inner(g, axis)});
  return with_extent(pad_channels(slices, 0, step * inner(g, axis)), g, axis, step * g.dims[axis]);
}

Outputs onnx_concat(const Call& c) {
  Tensor y = put_grid(c, 0).rows(axis_of(c));
  for (std::size_t k = 1; k < c.r.in.size(); ++k) y = concat_channels(y, put_grid(c, k).rows(axis_of(c)));
  return {get(y)};
}

Outputs onnx_split(const Call& c) {
  Outputs parts;
  for (int begin = 0; const Array& part : c.r.out) {
    if (part.data.empty()) throw Inexpressible("empty tensors");
    const int count = part.dims[axis_of(c)];
    parts.push_back(get(slice(put_grid(c, 0), axis_of(c), begin, count).x));
    begin += count;
  }
  return parts;
}

Outputs onnx_slice(const Call& c) {
  const std::vector<int> begin = c.r.list("begin"), count = c.r.list("count");
  if (std::ranges::count(count, 0) > 0) throw Inexpressible("empty tensors");
  Grid g = put_grid(c, 0);
  for (std::size_t k = 0; k < g.dims.size(); ++k) g = slice(g, k, begin[k], count[k]);
  return {get(g.x)};
}

Outputs onnx_pad(const Call& c) {
  if (c.r.has("mode") && c.r.word("mode") != "constant") throw Inexpressible("padding with the edge or a reflection");
  const std::vector<int> pads = c.r.list("pads");
  const double value = c.r.number("value", 0);
  Grid g = put_grid(c, 0);
  g.x = affine(g.x, 1, -value);
  for (std::size_t k = 0; k < g.dims.size(); ++k) g = pad(g, k, pads[k], pads[k + g.dims.size()]);
  return {get(affine(g.x, 1, value))};
}

}  // namespace snag
