#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/oracle.h"

namespace snag {
namespace {

using In = std::span<const Tensor>;

Conv conv(const Record& r) {
  return {static_cast<int>(r.number("kernel", 0)), static_cast<int>(r.number("stride", 0)),
          static_cast<int>(r.number("pad", 0))};
}
int integer(const Record& r, const char* key) { return static_cast<int>(r.number(key, 0)); }

Tensor patches(In x, const Record& r) { return patch_mean(x[0], integer(r, "patch"), integer(r, "stride")); }

Tensor top_patches(In x, const Record& r) {
  const Tensor error = abs_diff(x[0], x[1]);
  return top_mean(patches({&error, 1}, r), integer(r, "count"));
}

Tensor gradient_penalty(In in) {
  const Tensor x = in[0];
  const Tensor d = conv_down(leaky_relu(add_bias(conv_down(x, in[1]), in[2]), 0.2), in[3], {3, 1, 0});
  const Tensor dx = x.tape->grad(sum(d), {&x, 1})[0];
  const Tensor excess = affine(image_mean(mul(dx, dx)), x.shape().image(), -1);
  return mean(mul(excess, excess));
}

const std::map<std::string, Tensor (*)(In, const Record&)> kOps = {
    {"abc", [](In x, const Record&) { return abc(x[0]); }},
    {"abc_loss", [](In x, const Record&) { return abc(image_mean(abs_diff(x[0], x[1]))); }},
    {"abs_diff", [](In x, const Record&) { return abs_diff(x[0], x[1]); }},
    {"add_bias", [](In x, const Record&) { return add_bias(x[0], x[1]); }},
    {"batch_norm",
     [](In x, const Record& r) {
       return batch_norm(x[0], x[1], x[2], batch_moments(x[0]), r.number("slope", 1), r.number("eps", 0));
     }},
    {"batch_norm_fixed",
     [](In x, const Record& r) {
       return batch_norm(x[0], x[1], x[2], {x[3].view, x[4].view, true}, r.number("slope", 1), r.number("eps", 0));
     }},
    {"bce_with_logits", [](In x, const Record&) { return bce_with_logits(x[0], x[1]); }},
    {"channel_sum", [](In x, const Record&) { return channel_sum(x[0]); }},
    {"clamp", [](In x, const Record& r) { return clamp(x[0], r.number("low", 0), r.number("high", 0)); }},
    {"concat_channels", [](In x, const Record&) { return concat_channels(x[0], x[1]); }},
    {"conv_down", [](In x, const Record& r) { return conv_down(x[0], x[1], conv(r)); }},
    {"conv_up", [](In x, const Record& r) { return conv_up(x[0], x[1], conv(r), integer(r, "h"), integer(r, "w")); }},
    {"gradient_penalty", [](In x, const Record&) { return gradient_penalty(x); }},
    {"image_mean", [](In x, const Record&) { return image_mean(x[0]); }},
    {"leaky_relu", [](In x, const Record& r) { return leaky_relu(x[0], r.number("slope", 1)); }},
    {"matmul", [](In x, const Record&) { return matmul(x[0], x[1]); }},
    {"mean", [](In x, const Record&) { return mean(x[0]); }},
    {"patch_mean", patches},
    {"power", [](In x, const Record& r) { return power(x[0], r.number("exponent", 0)); }},
    {"sigmoid", [](In x, const Record&) { return sigmoid(x[0]); }},
    {"sum", [](In x, const Record&) { return sum(x[0]); }},
    {"tanh", [](In x, const Record& r) { return tanh(x[0], r.number("range", 0)); }},
    {"top_mean", [](In x, const Record& r) { return top_mean(x[0], integer(r, "count")); }},
    {"top_patches", top_patches},
};

// The greatest |x - y| over the greatest |y|; infinite where the sizes differ or a number is not finite.
double relative_error(const Numbers& x, const Numbers& y) {
  if (x.size() != y.size()) return INFINITY;
  double error = 0, greatest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double e = std::abs(x[i] - y[i]);
    error = e <= error ? error : std::isnan(e) ? INFINITY : e;
    greatest = std::max(greatest, std::abs(y[i]));
  }
  return error == 0 ? 0 : error / greatest;
}

Tensor put_array(Tape& tape, const Array& a) {
  if (a.dims.size() > 1) return put_image(tape, a);
  return put(tape, {.c = static_cast<int>(a.data.size())}, a.data);
}

// 2e-5: some hundred roundings of float, in losses that square and cancel.
TEST_CASE("values and gradients equal PyTorch's") {
  constexpr double kTolerance = kDouble ? 1e-9 : 2e-5;
  const std::vector<Record> records = ask_oracle("torch_ops.py");
  for (const TestBackend& device : test_backends()) {
    const std::unique_ptr<Backend> backend = device.make();
    std::set<std::string> seen;
    for (const Record& r : records) {
      CAPTURE(device.name);
      CAPTURE(r.name);
      Tape tape(*backend);
      std::vector<Tensor> in;
      for (const Array& a : r.in) in.push_back(put_array(tape, a));
      const Tensor c = in.back(), y = kOps.at(r.op)(in, r);
      CHECK(relative_error(get_image(y), r.out[0].data) <= kTolerance);
      in.resize(r.out.size() - 1);
      const std::vector<Tensor> gradients = tape.grad(sum(mul(y, c)), in);
      for (std::size_t k = 0; k < in.size(); ++k) {
        CAPTURE(k);
        const Numbers none(r.in[k].data.size(), 0);  // what the loss does not depend on
        CHECK(relative_error(gradients[k] ? get_image(gradients[k]) : none, r.out[k + 1].data) <= kTolerance);
      }
      seen.insert(r.op);
      tape.rewind({0, 0});
    }
    CHECK(seen.size() == kOps.size());
  }
}

}  // namespace
}  // namespace snag
