#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <stdexcept>

#include "tests/gradient_check.h"
#include "tests/trial.h"

namespace snag {
namespace {

template <class Check>
void each_case_and_backend(const Check& check) {
  for (const TestBackend& device : test_backends()) {
    const std::unique_ptr<Backend> backend = device.make();
    for (const OpCase& op : op_cases()) {
      CAPTURE(device.name);
      CAPTURE(op.op);
      CAPTURE(op.what);
      check(op, *backend);
      backend->rewind(0);
    }
  }
}

TEST_CASE("every element of every first derivative equals central differences" * doctest::skip(!kDouble)) {
  each_case_and_backend([](const OpCase& op, Backend& backend) {
    if (op.proof == Proof::parity) return;
    Trial t(op, backend);
    check_gradient(
        t.tape, [&] { return t.first(); }, t.wrt);
  });
}

TEST_CASE("second derivatives equal central differences where claimed" * doctest::skip(!kDouble)) {
  each_case_and_backend([](const OpCase& op, Backend& backend) {
    if (op.proof != Proof::twice) return;
    Trial t(op, backend);
    std::vector<Tensor> wrt = t.wrt;
    wrt.push_back(t.c);
    check_gradient(
        t.tape, [&] { return t.second(); }, wrt);
  });
}

TEST_CASE("a second derivative that is not implemented throws std::logic_error") {
  each_case_and_backend([](const OpCase& op, Backend& backend) {
    if (op.proof != Proof::once) return;
    Trial t(op, backend);
    const Tensor g = t.second();
    CHECK_THROWS_AS(t.tape.grad(g, t.wrt), std::logic_error);
  });
}

TEST_CASE("an input that an op holds constant gets no gradient") {
  each_case_and_backend([](const OpCase& op, Backend& backend) {
    if (op.proof == Proof::parity) return;
    Trial t(op, backend);
    for (const Tensor& g : t.tape.grad(t.first(), t.constant)) CHECK_FALSE(g);
  });
}

TEST_CASE("repeated runs give the same bits") {
  const std::unique_ptr<Backend> backend = test_backends().front().make();
  for (const OpCase& op : op_cases()) {
    CAPTURE(op.op);
    CAPTURE(op.what);
    const std::vector<Numbers> once = outputs(op, *backend);
    for (int repeat = 0; repeat < 3; ++repeat) CHECK(outputs(op, *backend) == once);
  }
}

// 1e-10 is a relative error of 1e-5: float's 6e-8 in sums of some thousand terms, in another order.
TEST_CASE("every backend equals the portable one, values and gradients") {
  constexpr double kTolerance = kDouble ? 1e-24 : 1e-10;
  const std::unique_ptr<Backend> portable = portable_backend();
  std::map<const OpCase*, std::vector<Numbers>> expected;
  for (const OpCase& op : op_cases()) expected[&op] = outputs(op, *portable);
  each_case_and_backend([&](const OpCase& op, Backend& backend) {
    if (backend.name() == portable->name()) return;
    const std::vector<Numbers> x = outputs(op, backend);
    for (std::size_t k = 0; k < x.size(); ++k) {
      INFO("output ", k, " (0: the value; k: the gradient of input k - 1)");
      CHECK(normalised_error(x[k], expected[&op][k]) <= kTolerance);
    }
  });
}

TEST_CASE("each test backend runs the instruction set that its name says") {
  for (const TestBackend& device : test_backends()) CHECK(device.make()->name() == device.name);
}

}  // namespace
}  // namespace snag
