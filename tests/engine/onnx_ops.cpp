#include "tests/engine/onnx_ops.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace snag {
namespace {

// b, flat, as large as an array of `dims`, as numpy broadcasts it: over the axes before its own and after them
Tensor broadcast_to(const Tensor& b, std::vector<int> b_dims, const std::vector<int>& dims) {
  const int size = product(dims, 0, dims.size()), given = b.shape().c;
  if (given == size) return b;
  if (given == 1) return broadcast(b, {.c = size});
  b_dims.insert(b_dims.begin(), dims.size() - b_dims.size(), 1);
  std::size_t first = 0, last = b_dims.size();
  while (b_dims[first] == 1) ++first;
  while (b_dims[last - 1] == 1) --last;
  if (product(dims, first, last) != given) throw Inexpressible("broadcast over axes in between");
  const int inner = product(dims, last, dims.size());
  const Tensor row = affine(image_spread(reshape(b, {.n = given}), {given, inner}), inner);
  return reshape(channel_spread(reshape(row, {.c = given * inner}), {size / (given * inner), given * inner}),
                 {.c = size});
}

Tensor second(const Call& c) { return broadcast_to(c.flat(1), c.dims(1), c.dims(0)); }

// add_bias where b is of the last axis
Tensor add_broadcast(const Call& c) {
  const int last = c.dims().back();
  if (c.size(1) < c.size() && c.size(1) == last && c.dims(1).back() == last)
    return add_bias(reshape(c.flat(), {c.size() / last, last}), c.flat(1));
  return add(c.flat(), second(c));
}

// A slope of each element: relu(x) - slope relu(-x)
Tensor prelu(const Call& c) {
  const Tensor x = c.flat();
  if (c.size(1) == 1) return leaky_relu(x, c.r.in[1].data[0]);
  return add(leaky_relu(x, 0), affine(mul(second(c), leaky_relu(affine(x, -1), 0)), -1));
}

Tensor total(const Call& c) {
  Tensor y = c.flat();
  for (std::size_t k = 1; k < c.r.in.size(); ++k) y = add(y, c.flat(k));
  return y;
}

Tensor dropout_without_chance(const Call& c) {
  if (!c.flag("training")) throw Inexpressible("dropout that does nothing");
  if (c.r.number("ratio", 0.5) != 0) throw Inexpressible("another random generator");
  return dropout(c.flat(), 0, put_counter(c.tape.backend(), 0), 1, 1);
}

Tensor matrix(const Call& c, std::size_t k) { return reshape(c.flat(k), {c.dims(k)[0], c.dims(k)[1]}); }

Tensor gemm(const Call& c) {
  const Tensor y =
      affine(matmul(matrix(c, 0), matrix(c, 1), c.flag("transA"), c.flag("transB")), c.r.number("alpha", 1));
  if (c.r.in.size() < 3) return y;
  const Tensor bias = broadcast_to(c.flat(2), c.dims(2), {y.shape().n, y.shape().c});
  return add(y, affine(reshape(bias, y.shape()), c.r.number("beta", 1)));
}

// The last two axes are a matrix's, those before count matrices.
Tensor batched_matmul(const Call& c) {
  const std::size_t rank = c.dims().size();
  const int m = c.dims()[rank - 2], k = c.dims()[rank - 1], n = c.dims(1).back(), batch = c.size() / (m * k);
  const Tensor a = reshape(c.flat(), {batch * m, k}), b = reshape(c.flat(1), {batch * k, n});
  std::vector<Addend> parts;
  for (int i = 0; i < batch; ++i)
    parts.push_back({matmul(slice_images(a, i * m, m), slice_images(b, i * k, k)), i * m * n});
  return add_all(parts, {batch * m, n});
}

Outputs batch_normalization(const Call& c) {
  const Tensor x = c.image(), gamma = c.flat(1), beta = c.flat(2);
  const View mean = c.flat(3).view, var = c.flat(4).view;
  const double eps = c.r.number("epsilon", 1e-5);
  if (!c.flag("training_mode")) return {get_image(batch_norm(x, gamma, beta, {mean, var, true}, 1, eps))};
  Moments now = batch_moments(x);
  // ONNX keeps the biased variance
  now.running = {mean, var, static_cast<real>(1 - c.r.number("momentum", 0.9)), 1};
  const Numbers y = get_image(batch_norm(x, gamma, beta, now, 1, eps));
  return {y, get(c.tape.backend(), mean), get(c.tape.backend(), var)};
}

Outputs mean_variance_normalization(const Call& c) {
  const Tensor x = c.image(), zero = channel_sum(affine(x, 0)), one = affine(zero, 1, 1);
  return {get_image(batch_norm(x, one, zero, batch_moments(x), 1, 0))};
}

Tensor square_root(const Call& c) {
  for (const double x : get(c.flat()))
    if (x <= 0) throw Inexpressible("the square root of a number that is not positive");
  return power(c.flat(), 0.5);
}

template <auto Op>
Outputs elementwise(const Call& c) {
  return {get(Op(c))};
}

const std::map<std::string, Outputs (*)(const Call&)> kOperators = {
    {"Abs", elementwise<[](const Call& c) { return abs_diff(c.flat(), affine(c.flat(), 0)); }>},
    {"Add", elementwise<add_broadcast>},
    {"AveragePool", onnx_average_pool},
    {"BatchNormalization", batch_normalization},
    {"Clip", elementwise<[](const Call& c) { return clamp(c.flat(), c.r.number("min", 0), c.r.number("max", 0)); }>},
    {"Concat", onnx_concat},
    {"Conv", onnx_conv},
    {"ConvTranspose", onnx_conv_transpose},
    {"Div", elementwise<[](const Call& c) { return mul(c.flat(), power(second(c), -1)); }>},
    {"Dropout", elementwise<dropout_without_chance>},
    {"Expand", elementwise<[](const Call& c) { return broadcast_to(c.flat(), c.dims(), c.r.out[0].dims); }>},
    {"Gemm", elementwise<gemm>},
    {"GlobalAveragePool", onnx_global_average_pool},
    {"GlobalMaxPool", onnx_global_max_pool},
    {"LeakyRelu", elementwise<[](const Call& c) { return leaky_relu(c.flat(), c.r.number("alpha", 0.01)); }>},
    {"MatMul", elementwise<batched_matmul>},
    {"Mean", elementwise<[](const Call& c) { return affine(total(c), 1.0 / static_cast<double>(c.r.in.size())); }>},
    {"MeanVarianceNormalization", mean_variance_normalization},
    {"Mul", elementwise<[](const Call& c) { return mul(c.flat(), second(c)); }>},
    {"Neg", elementwise<[](const Call& c) { return affine(c.flat(), -1); }>},
    {"PRelu", elementwise<prelu>},
    {"Pad", onnx_pad},
    {"Reciprocal", elementwise<[](const Call& c) { return power(c.flat(), -1); }>},
    {"ReduceL1", [](const Call& c) { return onnx_reduce(c, abs_diff(c.flat(), affine(c.flat(), 0)), Reduction::sum); }},
    {"ReduceMax", [](const Call& c) { return onnx_reduce(c, c.flat(), Reduction::max); }},
    {"ReduceMean", [](const Call& c) { return onnx_reduce(c, c.flat(), Reduction::mean); }},
    {"ReduceMin", [](const Call& c) { return onnx_reduce(c, affine(c.flat(), -1), Reduction::max, -1); }},
    {"ReduceSum", [](const Call& c) { return onnx_reduce(c, c.flat(), Reduction::sum); }},
    {"ReduceSumSquare", [](const Call& c) { return onnx_reduce(c, mul(c.flat(), c.flat()), Reduction::sum); }},
    {"Relu", elementwise<[](const Call& c) { return leaky_relu(c.flat(), 0); }>},
    {"Sigmoid", elementwise<[](const Call& c) { return sigmoid(c.flat()); }>},
    {"Slice", onnx_slice},
    {"Softplus", elementwise<[](const Call& c) { return bce_with_logits(c.flat(), affine(c.flat(), 0)); }>},
    {"Split", onnx_split},
    {"Sqrt", elementwise<square_root>},
    {"Sub", elementwise<[](const Call& c) { return add(c.flat(), affine(second(c), -1)); }>},
    {"Sum", elementwise<total>},
    {"Tanh", elementwise<[](const Call& c) { return tanh(c.flat()); }>},
    {"TopK", onnx_top_k},
};

}  // namespace

int product(const std::vector<int>& dims, std::size_t first, std::size_t last) {
  return std::accumulate(dims.begin() + static_cast<std::ptrdiff_t>(first),
                         dims.begin() + static_cast<std::ptrdiff_t>(last), 1, std::multiplies<>());
}

Outputs evaluate(const Call& c) {
  if (c.r.has("skip")) throw Inexpressible(c.r.word("skip"));
  return kOperators.at(c.r.op)(c);
}

}  // namespace snag
