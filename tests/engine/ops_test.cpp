#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <functional>
#include <stdexcept>

#include "tests/support.h"

namespace snag {
namespace {

// A call that an op must refuse, and the two shapes that its message must name.
struct Refusal {
  std::string op;
  Shape a, b;
  std::function<Tensor(Tensor, Tensor)> call;
};

Tensor up_onto(Tensor small, Tensor big) {
  const Tensor w = small.tape->empty({small.shape().c, big.shape().c, 4, 4});
  return conv_up(small, w, {}, big.shape().h, big.shape().w);
}

const Refusal kRefusals[] = {
    {"add", {2, 3, 4, 4}, {2, 3, 4, 5}, [](Tensor a, Tensor b) { return add(a, b); }},
    {"add", {2, 3, 4, 4}, {1, 3, 4, 4}, [](Tensor a, Tensor b) { return add(a, b); }},
    {"mul", {2, 3, 4, 4}, {3, 2, 4, 4}, [](Tensor a, Tensor b) { return mul(a, b); }},
    {"abs_diff", {1, 1, 2, 2}, {1, 1, 2, 3}, [](Tensor a, Tensor b) { return abs_diff(a, b); }},
    {"leaky_relu_grad", {1, 2}, {2, 1}, [](Tensor a, Tensor b) { return leaky_relu_grad(a, b, 0.2); }},
    {"bce_with_logits", {4, 1}, {1, 4}, [](Tensor a, Tensor b) { return bce_with_logits(a, b); }},
    {"broadcast", {1, 2}, {3, 2}, [](Tensor a, Tensor b) { return broadcast(a, b.shape()); }},
    {"image_spread", {2, 1}, {3, 4}, [](Tensor a, Tensor b) { return image_spread(a, b.shape()); }},
    {"channel_spread", {1, 2}, {3, 4}, [](Tensor a, Tensor b) { return channel_spread(a, b.shape()); }},
    {"add_bias", {2, 3, 4, 4}, {1, 4}, [](Tensor a, Tensor b) { return add_bias(a, b); }},
    {"add_bias", {2, 3, 4, 4}, {2, 3}, [](Tensor a, Tensor b) { return add_bias(a, b); }},
    {"patch_mean", {1, 1, 4, 8}, {.h = 5, .w = 5}, [](Tensor a, Tensor) { return patch_mean(a, 5, 1); }},
    {"patch_mean", {1, 1, 4, 8}, {.h = 2, .w = 2}, [](Tensor a, Tensor) { return patch_mean(a, 2, 0); }},
    {"top_mean", {2, 3, 2, 2}, {.c = 13}, [](Tensor a, Tensor) { return top_mean(a, 13); }},
    {"top_mean", {2, 3, 2, 2}, {.c = 0}, [](Tensor a, Tensor) { return top_mean(a, 0); }},
    {"reshape", {2, 3}, {5, 1}, [](Tensor a, Tensor b) { return reshape(a, b.shape()); }},
    {"concat_channels", {2, 3, 4, 4}, {2, 3, 4, 5}, [](Tensor a, Tensor b) { return concat_channels(a, b); }},
    {"concat_channels", {2, 3, 4, 4}, {1, 3, 4, 4}, [](Tensor a, Tensor b) { return concat_channels(a, b); }},
    {"slice_channels", {2, 3, 4, 4}, {.c = 4}, [](Tensor a, Tensor) { return slice_channels(a, 2, 2); }},
    {"pad_channels", {2, 3, 4, 4}, {.c = 4}, [](Tensor a, Tensor) { return pad_channels(a, 2, 4); }},
    {"slice_images", {2, 3, 4, 4}, {.n = 3}, [](Tensor a, Tensor) { return slice_images(a, 1, 2); }},
    {"add_all",
     {2, 3, 4, 4},
     {1, 3, 4, 4},
     [](Tensor a, Tensor b) {
       return add_all({{b, 0}, {a, 0}}, b.shape());
     }},
    {"add_all",
     {2, 3, 4, 4},
     {2, 3, 4, 4},
     [](Tensor a, Tensor b) {
       return add_all({{a, 1}}, b.shape());
     }},
    {"conv_down", {2, 3, 8, 8}, {5, 4, 4, 4}, [](Tensor a, Tensor b) { return conv_down(a, b); }},
    {"conv_down", {2, 3, 8, 8}, {5, 3, 3, 3}, [](Tensor a, Tensor b) { return conv_down(a, b); }},
    {"conv_down", {2, 3, 1, 8}, {5, 3, 4, 4}, [](Tensor a, Tensor b) { return conv_down(a, b); }},
    {"conv_up", {2, 3, 4, 4}, {5, 3, 4, 4}, [](Tensor a, Tensor b) { return conv_up(a, b); }},
    {"conv_up", {2, 5, 4, 4}, {2, 3, 10, 8}, up_onto},
    {"conv_up", {2, 5, 1, 1}, {2, 3, 1, 2}, up_onto},
    {"conv_weight", {2, 3, 8, 8}, {2, 5, 4, 5}, [](Tensor a, Tensor b) { return conv_weight(a, b); }},
    {"conv_weight", {2, 3, 8, 8}, {1, 5, 4, 4}, [](Tensor a, Tensor b) { return conv_weight(a, b); }},
    {"conv_weight", {2, 3, 1, 8}, {2, 5, 1, 4}, [](Tensor a, Tensor b) { return conv_weight(a, b); }},
    {"matmul", {2, 3}, {2, 3}, [](Tensor a, Tensor b) { return matmul(a, b); }},
    {"matmul", {2, 3}, {3, 2}, [](Tensor a, Tensor b) { return matmul(a, b, true); }},
    {"matmul", {2, 3}, {3, 2}, [](Tensor a, Tensor b) { return matmul(a, b, false, true); }},
    {"matmul", {2, 3, 2, 1}, {3, 2}, [](Tensor a, Tensor b) { return matmul(a, b); }},
    {"batch_norm", {2, 3, 4, 4}, {1, 4}, [](Tensor a, Tensor b) { return batch_norm(a, b, b, batch_moments(a)); }},
};

TEST_CASE("an op refuses shapes that do not go together, and names itself and both") {
  const std::unique_ptr<Backend> backend = portable_backend();
  Tape tape(*backend);
  for (const Refusal& r : kRefusals) {
    CAPTURE(r.op);
    const Tensor a = tape.leaf(r.a), b = tape.leaf(r.b.c > 0 ? r.b : Shape{});
    const Tape::Mark mark = tape.mark();
    std::string message;
    try {
      r.call(a, b);
    } catch (const std::invalid_argument& e) {
      message = e.what();
    }
    CAPTURE(message);
    CHECK(message.starts_with(r.op));
    CHECK(message.find(text(r.a)) != std::string::npos);
    CHECK(message.find(text(r.b)) != std::string::npos);
    CHECK(tape.nodes().size() == mark.nodes);
  }
}

TEST_CASE("batch_norm refuses moments of another width") {
  const std::unique_ptr<Backend> backend = portable_backend();
  Tape tape(*backend);
  const Tensor x = tape.leaf({2, 3, 4, 4}), other = tape.leaf({2, 4, 4, 4}), gamma = tape.leaf({.c = 3});
  CHECK_THROWS_WITH_AS(batch_norm(x, gamma, gamma, batch_moments(other)), doctest::Contains("[1,4,1,1]"),
                       std::invalid_argument);
}

TEST_CASE("dropout refuses a probability outside [0, 1)") {
  const std::unique_ptr<Backend> backend = portable_backend();
  Tape tape(*backend);
  const Tensor x = tape.leaf({.c = 3});
  for (const double p : {-0.1, 1.0, 0.0 / 0.0})
    CHECK_THROWS_WITH_AS(dropout(x, p, {}, 1, 1), doctest::Contains("dropout: p is"), std::invalid_argument);
}

TEST_CASE("of equal elements top_mean takes those of lower index") {
  for (const TestBackend& device : test_backends()) {
    CAPTURE(device.name);
    const std::unique_ptr<Backend> backend = device.make();
    Tape tape(*backend);
    const Tensor x = put(tape, {.n = 2, .c = 4}, {1, 3, 1, 1, 2, 2, 2, 2}), y = top_mean(x, 2);
    CHECK(get(y) == Numbers{2, 2});
    CHECK(get(tape.grad(sum(y), {&x, 1})[0]) == Numbers{0.5, 0.5, 0, 0, 0.5, 0.5, 0, 0});
  }
}

// The definition of a transpose. Sums of up to 10^5 products: 1e-12 is some hundred roundings of double.
TEST_CASE("convolution, its transpose and its weight gradient are adjoint: <conv(x), y> = <x, conv'(y)>") {
  for (const TestBackend& device : test_backends()) {
    const std::unique_ptr<Backend> backend = device.make();
    for (const int kernel : {1, 2, 3, 4, 5})
      for (const int stride : {1, 2, 3})
        for (const int pad : {0, 1, 2})
          for (const auto& [n, c, o, h, w] : {std::array{1, 1, 1, 5, 5}, {2, 3, 4, 7, 6}, {3, 17, 9, 8, 11}}) {
            const Conv g{kernel, stride, pad};
            if (pad >= kernel) continue;
            Tape tape(*backend);
            const auto random = [&](Shape s, std::uint32_t row) { return put(tape, s, gaussian(s.size(), 5, row)); };
            const Tensor x = random({n, c, h, w}, 1), k = random({o, c, kernel, kernel}, 2),
                         y = random({n, o, g.down(h), g.down(w)}, 3);
            const double down = dot(get(conv_down(x, k, g)), get(y)), up = dot(get(x), get(conv_up(y, k, g, h, w))),
                         weight = dot(get(k), get(conv_weight(x, y, g)));
            CAPTURE(device.name);
            CAPTURE(kernel);
            CAPTURE(stride);
            CAPTURE(pad);
            const double tolerance = (kDouble ? 1e-12 : 1e-4) * (1 + std::abs(down));
            CHECK(std::abs(down - up) <= tolerance);
            CHECK(std::abs(down - weight) <= tolerance);
            tape.rewind({0, 0});
          }
  }
}

// numpy.rot90([[1, 2], [3, 4]], k)
TEST_CASE("quarter turns go counterclockwise and refuse maps that are not square") {
  for (const TestBackend& device : test_backends()) {
    CAPTURE(device.name);
    const std::unique_ptr<Backend> backend = device.make();
    Tape tape(*backend);
    const Tensor x = put(tape, {.h = 2, .w = 2}, {1, 2, 3, 4});
    CHECK(get(quarter_turn(x, 0)) == Numbers{1, 2, 3, 4});
    CHECK(get(quarter_turn(x, 1)) == Numbers{2, 4, 1, 3});
    CHECK(get(quarter_turn(x, 2)) == Numbers{4, 3, 2, 1});
    CHECK(get(quarter_turn(x, 3)) == Numbers{3, 1, 4, 2});
    CHECK_THROWS_AS(quarter_turn(x, 4), std::invalid_argument);
    CHECK_THROWS_AS(quarter_turn(tape.leaf({.h = 2, .w = 3}), 1), std::invalid_argument);
  }
}

}  // namespace
}  // namespace snag
