#include <doctest/doctest.h>

#include <cmath>

#include "engine/layers.h"
#include "models/losses.h"
#include "tests/gradient_check.h"

namespace snag {
namespace {

// A device, a tape, and random inputs. Differences of absolute values need inputs away from kinks: random ones in
// double are, by far more than the step of 1e-6.
struct Bench {
  explicit Bench(const TestBackend& device) : backend(device.make()), tape(*backend) {}

  Tensor random(Shape s, std::uint32_t row, double scale = 1) {
    Numbers x = gaussian(s.size(), 11, row);
    for (double& v : x) v *= scale;
    return put(tape, s, x);
  }

  std::unique_ptr<Backend> backend;
  Tape tape;
};

template <class Test>
void on_each_backend(const Test& test) {
  for (const TestBackend& device : test_backends()) {
    CAPTURE(device.name);
    Bench bench(device);
    test(bench);
  }
}

TEST_CASE("each of the eight losses: every element equals central differences" * doctest::skip(!kDouble)) {
  on_each_backend([](Bench& b) {
    const Shape image{3, 1, 8, 8}, map{3, 1, 2, 2};
    const Tensor x = b.random(image, 0, 0.5), y = b.random(image, 1, 0.5), p = b.random(map, 2), q = b.random(map, 3);
    const Tensor latent = b.random({3, 5, 2, 2}, 4), other = b.random({3, 5, 2, 2}, 5);
    const auto check = [&](const char* name, const std::function<Tensor()>& loss, const std::vector<Tensor>& wrt) {
      CAPTURE(name);
      check_gradient(b.tape, loss, wrt);
    };
    check("reconstruction, L1", [&] { return mean(pixel_error(x, y, Distance::l1)); }, {x, y});
    check("reconstruction, L2", [&] { return mean(pixel_error(x, y, Distance::l2)); }, {x, y});
    check("patch", [&] { return patch_loss(abs_diff(x, y), {.size = 4, .stride = 2, .largest = 3}); }, {x, y});
    check("latent", [&] { return latent_loss(latent, other); }, {latent, other});
    check("adversarial, normal", [&] { return adversarial_loss(p, 1); }, {p});
    const auto image_error = [&] { return image_mean(abs_diff(x, y)); };
    check("ABC", [&] { return abc_loss(image_error()); }, {x, y});
    check("ABC, scaled", [&] { return abc_loss(image_error(), 0.3); }, {x, y});
    check("adversarial, anomalous", [&] { return adversarial_loss(p, 0); }, {p});
    check("discriminator N", [&] { return discriminator_loss(concat_images(p, q)); }, {p, q});
    check("discriminator AN", [&] { return discriminator_loss(concat_images(q, p)); }, {p, q});
  });
}

TEST_CASE("each layer: every element of weights and input equals central differences" * doctest::skip(!kDouble)) {
  on_each_backend([](Bench& b) {
    Layout layout;
    const ConvLayer conv(layout, "conv", 2, 3), flat(layout, "flat", 3, 2, {.stride = 1});
    const ConvTransposeLayer up(layout, "up", 3, 2);
    const BatchNormLayer norm(layout, "norm", 3, 0.2);
    const LinearLayer linear(layout, "linear", 6, 4);
    const Weights weights(b.tape, layout, 1);
    const auto check = [&](const char* name, Shape in, const std::function<Tensor(Tensor)>& layer) {
      CAPTURE(name);
      const Tensor x = b.random(in, 6);
      const Tape::Mark mark = b.tape.mark();
      const Shape out = layer(x).shape();
      b.tape.rewind(mark);
      const Tensor c = b.random(out, 7);
      std::vector<Tensor> wrt(weights.trained().begin(), weights.trained().end());
      wrt.push_back(x);
      check_gradient(
          b.tape, [&] { return sum(mul(layer(x), c)); }, wrt);
    };
    check("convolution", {2, 2, 8, 6}, [&](Tensor x) { return conv(weights, x, Statistics::batch); });
    check("convolution, stride 1", {2, 3, 5, 4}, [&](Tensor x) { return flat(weights, x, Statistics::batch); });
    check("transposed convolution", {2, 3, 3, 4}, [&](Tensor x) { return up(weights, x, Statistics::batch); });
    check("batch norm, batch", {2, 3, 3, 2}, [&](Tensor x) { return norm(weights, x, Statistics::batch); });
    check("batch norm, two groups", {4, 3, 3, 2}, [&](Tensor x) { return norm(weights, x, Statistics::batch, 2); });
    check("batch norm, running", {2, 3, 3, 2}, [&](Tensor x) { return norm(weights, x, Statistics::running); });
    check("linear", {3, 6}, [&](Tensor x) { return linear(weights, x); });
  });
}

// By hand: x - y is 0.5 everywhere but for one 2x2 patch of 1.5 in the first of two images.
TEST_CASE("the losses have the values of their formulas") {
  on_each_backend([](Bench& b) {
    const Shape s{2, 1, 4, 4};
    Numbers x(32, 0.5);
    for (const std::size_t i : {0, 1, 4, 5}) x[i] = 1.5;
    const Tensor in = put(b.tape, s, x), out = put(b.tape, s, Numbers(32, 0));
    const PatchOptions patch{.size = 2, .stride = 2, .largest = 2};
    const auto image_error = [](Tensor of, Tensor from) { return image_mean(abs_diff(of, from)); };
    CHECK(scalar(mean(pixel_error(in, out, Distance::l1))) == doctest::Approx((0.75 + 0.5) / 2));
    CHECK(scalar(mean(pixel_error(in, out, Distance::l2))) == doctest::Approx((0.75 + 0.25) / 2));
    CHECK(scalar(patch_loss(abs_diff(in, out), patch)) == doctest::Approx(((1.5 + 0.5) / 2 + 0.5) / 2));
    CHECK(scalar(abc_loss(image_error(in, out))) ==
          doctest::Approx((-std::log(1 - std::exp(-0.75)) - std::log(1 - std::exp(-0.5))) / 2));
    Numbers logit(32, 0);  // of a probability of 1/2, and four of 3/4
    for (std::size_t i = 0; i < 4; ++i) logit[i] = std::log(3);
    const Tensor d = put(b.tape, s, logit);
    const double of_real = (4 * 0.0625 + 28 * 0.25) / 32, of_made = (4 * 0.5625 + 28 * 0.25) / 32;
    CHECK(scalar(adversarial_loss(d, 1)) == doctest::Approx(of_real));
    CHECK(scalar(discriminator_loss(concat_images(d, d))) == doctest::Approx(of_real + of_made));
    CHECK(scalar(abc_loss(image_error(in, in))) == doctest::Approx(-std::log(-std::expm1(-kAbcFloor))));  // finite at 0
  });
}

}  // namespace
}  // namespace snag
