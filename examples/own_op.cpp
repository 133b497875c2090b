// An operation of one's own, its gradient written by hand, checked by central differences, and used.
#include "engine/ops.h"
#include "kernels/backend.h"

#include <cmath>
#include <cstdio>

using namespace snag;

// swish(x) = x sigmoid(x) (Ramachandran et al. 2017); its derivative is s + y (1 - s) with s = sigmoid(x). What runs is
// other ops, so it runs on every device; the new node hides them from the gradient, which goes the way written here.
Tensor swish(Tensor x) {
  const Tensor s = sigmoid(x), y = mul(x, s);
  return x.tape->record("swish", y, {x}, [=](Tensor dy, Needs) {
    return std::vector<Tensor>{mul(dy, add(s, mul(y, affine(s, -1, 1))))};
  });
}

std::vector<real> read(Tensor t) {
  std::vector<real> values(static_cast<std::size_t>(t.shape().size()));
  t.tape->backend().download(values.data(), t.view.data, sizeof(real) * values.size());
  return values;
}

Tensor write(Tape& tape, const std::vector<real>& values) {
  const Tensor t = tape.leaf({.c = static_cast<int>(values.size())});
  tape.backend().upload(t.view.data, values.data(), sizeof(real) * values.size());
  return t;
}

int main() {
  const auto backend = make_cpu_backend();
  Tape tape(*backend);
  const std::vector<real> points{-3, -1, real(-0.2), 0, real(0.7), 2};

  const Tensor x = write(tape, points), loss = sum(swish(x));
  const std::vector<real> gradient = read(tape.grad(loss, std::vector{x})[0]);

  double worst = 0;
  const real step = real(1e-2);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const real above = read(swish(write(tape, {points[i] + step})))[0],
               below = read(swish(write(tape, {points[i] - step})))[0];
    const double difference = (double(above) - below) / (2 * step);
    std::printf("swish'(%4.1f) = %8.5f, by differences %8.5f\n", double(points[i]), double(gradient[i]), difference);
    worst = std::max(worst, std::abs(difference - gradient[i]));
  }
  return worst < 1e-3 ? 0 : 1;
}
