#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "base/error.h"
#include "tests/support.h"

namespace snag {
namespace {

struct TapeTest {
  std::unique_ptr<Backend> cpu = test_backends().front().make();
  CountingBackend backend{*cpu};
  Tape tape{backend};

  Tensor random(Shape s, std::uint32_t row = 0) { return put(tape, s, gaussian(s.size(), 1, row)); }
  std::vector<Tensor> grad(Tensor loss, std::vector<Tensor> wrt) { return tape.grad(loss, wrt); }
};

// A toy of the training step: G draws an image with a transposed convolution, D rates it with a convolution.
struct ToyGan : TapeTest {
  Tensor z = random({2, 3, 2, 2}, 1), g = random({3, 1, 4, 4}, 2), d = random({5, 1, 4, 4}, 3);
  Tensor image = tanh(conv_up(z, g));
  Tensor loss = mean(leaky_relu(conv_down(image, d), 0.2));
};

TEST_CASE_FIXTURE(ToyGan, "grad(d_loss, D) launches no kernel of G") {
  backend.reset();
  grad(loss, {d});
  CHECK(backend.count<ConvWeight>() == 1);
  CHECK(backend.count<ConvUp>() + backend.count<ConvDown>() + backend.count<TanhGrad>() == 0);
  CHECK(backend.total() == 4);  // 1, the mean's, the leaky ReLU's and the convolution's
}

TEST_CASE_FIXTURE(ToyGan, "grad(g_loss, G) launches no weight gradient of D") {
  backend.reset();
  grad(loss, {g});
  CHECK(backend.count<ConvWeight>() == 1);  // G's
  CHECK(backend.count<ConvUp>() == 1);      // through D
  CHECK(backend.count<ConvDown>() == 0);    // to z
}

TEST_CASE_FIXTURE(ToyGan, "what the loss does not depend on gets an empty gradient and launches nothing") {
  const Tensor other = random({3, 1, 4, 4});
  backend.reset();
  CHECK_FALSE(grad(loss, {other})[0]);
  CHECK(backend.total() == 0);
}

TEST_CASE_FIXTURE(ToyGan, "a tensor made after the loss gets an empty gradient") {
  const Tensor later = affine(d, 2);
  CHECK_FALSE(grad(loss, {later})[0]);
}

TEST_CASE_FIXTURE(TapeTest, "what reaches a tensor and its views is added by one kernel") {
  const Tensor x = random({4, 1, 2, 2});
  const Tensor y = affine(x, 1), first = slice_images(y, 0, 1), flat = reshape(slice_images(y, 1, 3), {.c = 12});
  const Tensor loss = weighted_sum({{sum(y), 1}, {sum(first), 10}, {sum(flat), 100}, {sum(y), 1000}});
  backend.reset();
  const Numbers dx = get(grad(loss, {x})[0]);
  CHECK(backend.count<AddAll>() == 1);
  CHECK(backend.count<Add>() == 0);
  for (std::size_t i = 0; i < 16; ++i) CHECK(dx[i] == (i < 4 ? 1011 : 1101));
}

TEST_CASE_FIXTURE(TapeTest, "two gradients of a tensor are left to who asked for two") {
  const Tensor x = random({.c = 5}), y = random({.c = 5}, 1), z = random({.c = 5}, 2);
  const Tensor loss = sum(add(mul(x, y), add(mul(x, z), mul(x, x))));
  const std::vector<Tensor> wrt{x, y};
  const Numbers one = get(grad(loss, wrt)[0]);
  const Tensor first = mul(x, y), later = affine(x, 3), twice = sum(add(first, later));
  backend.reset();
  const auto of_one = tape.grad_in_two(twice, wrt);
  CHECK(backend.count<Add>() == 0);
  CHECK(get(of_one[0][0]) == Numbers(5, 3));
  CHECK(get(of_one[0][1]) == get(y));
  CHECK_FALSE(of_one[1][1]);
  const auto of_more = tape.grad_in_two(loss, wrt);  // four
  CHECK(get(of_more[0][0]) == one);
  CHECK_FALSE(of_more[0][1]);
}

TEST_CASE_FIXTURE(ToyGan, "constant() shares memory and stops gradients") {
  const Tensor fake = tape.constant(image);
  CHECK(fake.view.data == image.view.data);
  const Tensor d_loss = mean(conv_down(fake, d));
  const std::vector<Tensor> gradients = grad(d_loss, {g, z, d, fake});
  CHECK_FALSE(gradients[0]);
  CHECK_FALSE(gradients[1]);
  CHECK(gradients[2]);
  CHECK(gradients[3]);
}

TEST_CASE_FIXTURE(ToyGan, "grad changes neither the values nor a later grad") {
  const Numbers image_before = get(image), first = get(grad(loss, {g})[0]);
  CHECK(get(grad(loss, {g})[0]) == first);
  CHECK(get(image) == image_before);
}

TEST_CASE_FIXTURE(ToyGan, "a loss is its own gradient 1, and an inner tensor has one too") {
  CHECK(scalar(grad(loss, {loss})[0]) == 1);
  CHECK(grad(loss, {image})[0].shape() == image.shape());
}

TEST_CASE_FIXTURE(TapeTest, "gradients of all uses of a tensor add up") {
  const Tensor x = put(tape, {.c = 2}, {3, -5});
  const Tensor y = sum(add(mul(x, x), affine(x, 4)));
  CHECK(get(grad(y, {x})[0]) == Numbers{10, -6});  // 2 x + 4
}

TEST_CASE_FIXTURE(TapeTest, "grad of a gradient: the third derivative of x^4 is 24 x") {
  const Tensor x = put(tape, {}, {1.5});
  Tensor y = mul(mul(x, x), mul(x, x));
  for (int i = 0; i < 3; ++i) y = grad(y, {x})[0];
  CHECK(scalar(y) == 36);
}

TEST_CASE_FIXTURE(TapeTest, "the same step after a rewind takes the same addresses and no more memory") {
  const Tensor w = random({3, 2, 4, 4});
  const Tape::Mark mark = tape.mark();
  const auto step = [&] {
    const Tensor y = conv_down(random({2, 2, 6, 6}), w);
    return std::pair(y.view.data, grad(mean(y), {w})[0].view.data);
  };
  const auto addresses = step();
  const std::size_t peak = backend.peak();
  for (int i = 0; i < 3; ++i) {
    tape.rewind(mark);
    CHECK(tape.nodes().size() == mark.nodes);
    CHECK(backend.mark() == mark.bytes);
    CHECK(step() == addresses);
  }
  CHECK(backend.peak() == peak);
}

TEST_CASE_FIXTURE(TapeTest, "memory is aligned to 64 bytes") {
  for (int size = 1; size < 40; size += 3)
    CHECK(reinterpret_cast<std::uintptr_t>(tape.empty({.c = size}).view.data) % 64 == 0);
}

TEST_CASE_FIXTURE(TapeTest, "a gradient wants a scalar loss, and says so") {
  const Tensor x = random({2, 3, 1, 1});
  CHECK_THROWS_WITH_AS(grad(x, {x}), doctest::Contains("[2,3,1,1]"), std::invalid_argument);
}

TEST_CASE_FIXTURE(TapeTest, "a tensor without elements or with more than an int can count is refused") {
  CHECK_THROWS_WITH_AS(tape.empty({2, 0, 1, 1}), doctest::Contains("[2,0,1,1]"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(tape.empty({65536, 65536, 1, 1}), doctest::Contains("65536"), std::invalid_argument);
}

TEST_CASE("an exhausted arena is Error{Exit::device} that names the need, and the tape can go on") {
  for (const bool portable : {false, true}) {
    const auto small = make_cpu_backend({.threads = 1, .arena_bytes = std::size_t{1} << 20, .portable = portable});
    Tape tape(*small);
    const Tape::Mark mark = tape.mark();
    const int million = 1 << 20;
    const std::string need = std::to_string(sizeof(real)) + ".0 MiB";
    try {
      tape.leaf({.c = million});
      FAIL("no error");
    } catch (const Error& e) {
      CHECK(e.code() == Exit::device);
      CHECK(std::string(e.what()).find(need) != std::string::npos);
    }
    CHECK(small->mark() == mark.bytes);
    CHECK(get(put(tape, {.c = 1}, {3})) == Numbers{3});
  }
}

}  // namespace
}  // namespace snag
