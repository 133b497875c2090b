#include "tests/engine/onnx_ops.h"

namespace snag {
namespace {

// All m elements of each row of x, [rows, m, 1, 1].
Tensor reduced_rows(const Tensor& x, Reduction r) {
  return r == Reduction::max   ? top_mean(x, 1)
         : r == Reduction::sum ? affine(image_mean(x), x.shape().c)
                               : image_mean(x);
}

// A pool takes each channel to one channel.
Outputs pool(const Call& c, const std::function<Tensor(Tensor)>& one_channel) {
  if (c.dims().size() != 4) throw Inexpressible("pooling over one or three spatial axes");
  const Tensor x = c.image();
  Tensor y;
  for (int k = 0; k < x.shape().c; ++k) {
    const Tensor part = one_channel(slice_channels(x, k, 1));
    y = k == 0 ? part : concat_channels(y, part);
  }
  return {get_image(y)};
}

}  // namespace

// Neighbouring axes: [outer, m, inner] -> [outer, inner], one column of `inner` after the other.
Outputs onnx_reduce(const Call& c, const Tensor& x, Reduction r, double sign) {
  const std::vector<int> axes = c.r.list("axes");
  if (axes.empty()) return {get(x)};
  const auto first = static_cast<std::size_t>(axes.front()), last = static_cast<std::size_t>(axes.back()) + 1;
  if (last - first != axes.size()) throw Inexpressible("axes that are no neighbours");
  const int outer = product(c.dims(), 0, first), m = product(c.dims(), first, last),
            inner = product(c.dims(), last, c.dims().size());
  if (outer * inner == 1 && r != Reduction::max) return {get(r == Reduction::sum ? sum(x) : mean(x))};
  if (outer == 1 && r == Reduction::sum) return {get(channel_sum(reshape(x, {m, inner})))};
  Tensor y;
  for (int j = 0; j < inner; ++j) {
    const Tensor column = reduced_rows(reshape(slice_channels(reshape(x, {outer * m, inner}), j, 1), {outer, m}), r);
    y = j == 0 ? column : concat_channels(y, column);
  }
  return {get(affine(y, sign))};
}

// The k-th largest is k times the mean of the k largest, less k - 1 times that of the k - 1 largest.
Outputs onnx_top_k(const Call& c) {
  const double sign = c.flag("largest", true) ? 1 : -1;
  const int m = c.dims().back(), count = c.r.out[0].dims.back();
  const Tensor x = reshape(affine(c.flat(), sign), {c.size() / m, m});
  Tensor y, before;
  for (int k = 1; k <= count; ++k) {
    const Tensor largest = affine(top_mean(x, k), k), next = k == 1 ? largest : add(largest, affine(before, -1));
    y = k == 1 ? next : concat_channels(y, next);
    before = largest;
  }
  return {get(affine(y, sign))};
}

Outputs onnx_average_pool(const Call& c) {
  const std::vector<int> kernel = c.r.list("kernel_shape"), strides = c.r.list("strides");
  std::vector<int> pads = c.r.list("pads");
  const bool padded = pads != std::vector<int>(pads.size(), 0) || c.r.word("auto_pad").starts_with("SAME");
  if ((padded && !c.flag("count_include_pad")) || c.flag("ceil_mode"))
    throw Inexpressible("a mean that does not count the padding");
  pads.resize(4, 0);
  return pool(c, [&](const Tensor& x) {
    const Shape s = x.shape();
    const Grid g = pad(pad({x, {s.n, s.h, s.w}}, 1, pads[0], pads[2]), 2, pads[1], pads[3]);
    return patch_mean(reshape(g.x, {s.n, 1, g.dims[1], g.dims[2]}), kernel[0], strides.empty() ? 1 : strides[0]);
  });
}

Outputs onnx_global_average_pool(const Call& c) { return pool(c, image_mean); }

Outputs onnx_global_max_pool(const Call& c) {
  return pool(c, [](const Tensor& x) { return top_mean(x, 1); });
}

}  // namespace snag
