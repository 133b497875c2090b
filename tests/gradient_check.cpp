#include "tests/gradient_check.h"

#include <doctest/doctest.h>

#include <cmath>

namespace snag {
namespace {

// f's derivative in element i of x, by central differences
double difference(Tape& tape, const std::function<Tensor()>& f, const Tensor& x, double at, std::size_t i) {
  constexpr double kStep = 1e-6;
  const auto value_at = [&](double xi) {
    const real r = static_cast<real>(xi);
    tape.backend().upload(x.view.data + i, &r, sizeof r);
    const Tape::Mark mark = tape.mark();
    const double value = scalar(f());
    tape.rewind(mark);
    return value;
  };
  const double slope = (value_at(at + kStep) - value_at(at - kStep)) / (2 * kStep);
  value_at(at);
  return slope;
}

}  // namespace

Numbers zeros_or(const Tensor& gradient, int size) {
  return gradient ? get(gradient) : Numbers(static_cast<std::size_t>(size), 0.0);
}

void check_gradient(Tape& tape, const std::function<Tensor()>& f, const std::vector<Tensor>& wrt) {
  const Tape::Mark mark = tape.mark();
  std::vector<Numbers> gradients;
  const std::vector<Tensor> g = tape.grad(f(), wrt);
  for (std::size_t k = 0; k < wrt.size(); ++k) gradients.push_back(zeros_or(g[k], wrt[k].shape().size()));
  tape.rewind(mark);
  for (std::size_t k = 0; k < wrt.size(); ++k) {
    const Numbers x = get(wrt[k]);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double numeric = difference(tape, f, wrt[k], x[i], i), error = std::abs(gradients[k][i] - numeric);
      const bool close = error <= 1e-5 + 1e-3 * std::abs(numeric);
      CHECK_MESSAGE(close, "input ", k, ", element ", i, ": gradient ", gradients[k][i], ", difference ", numeric);
      if (!close) break;
    }
  }
}

}  // namespace snag
