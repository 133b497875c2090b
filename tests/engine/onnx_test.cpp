#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "tests/engine/onnx_ops.h"

namespace snag {
namespace {

// The greatest |x - y| over what torch.testing.assert_close allows two float32 arrays; infinite where sizes differ or a
// number is not finite.
double excess(const Numbers& x, const Numbers& y) {
  if (x.size() != y.size()) return INFINITY;
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double e = std::abs(x[i] - y[i]) / (1e-5 + 1.3e-6 * std::abs(y[i]));
    worst = e <= worst ? worst : std::isnan(e) ? INFINITY : e;
  }
  return worst;
}

// How many vectors of each operator our ops can express, of libonnx-testdata 1.12; fewer is an error.
constexpr const char* kExpressible =
    "Abs 1 Add 2 AveragePool 7 BatchNormalization 9 Clip 9 Concat 13 Conv 26 ConvTranspose 12 Div 3 "
    "Dropout 2 Expand 2 Gemm 12 GlobalAveragePool 2 GlobalMaxPool 2 LeakyRelu 5 MatMul 3 Mean 3 "
    "MeanVarianceNormalization 1 Mul 3 Neg 2 PRelu 8 Pad 3 Reciprocal 2 ReduceL1 8 ReduceMax 8 ReduceMean 10 ReduceMin "
    "8 "
    "ReduceSum 12 ReduceSumSquare 8 Relu 2 Sigmoid 3 Slice 6 Softplus 3 Split 7 Sqrt 2 Sub 3 Sum 3 Tanh 3 TopK 3";

TEST_CASE("the ONNX project's test vectors") {
  const std::vector<Record> records = ask_oracle("onnx_vectors.py");
  for (const TestBackend& device : test_backends()) {
    const std::unique_ptr<Backend> backend = device.make();
    int passes = 0, skips = 0;
    std::map<std::string, int> passed, skipped;
    for (const Record& r : records) {
      CAPTURE(device.name);
      CAPTURE(r.name);
      Tape tape(*backend);
      try {
        const Outputs y = evaluate({tape, r});
        REQUIRE(y.size() >= 1);
        REQUIRE(y.size() <= r.out.size());
        double worst = 0;
        for (std::size_t k = 0; k < y.size(); ++k) worst = std::max(worst, excess(y[k], r.out[k].data));
        CHECK(worst <= 1);
        passes += worst <= 1;
        passed[r.op] += worst <= 1;
      } catch (const Inexpressible& reason) {
        ++skips;
        ++skipped[r.op + ": " + reason.what()];
      }
      tape.rewind({0, 0});
    }
    MESSAGE(device.name, ": ", passes, " of ", records.size(), " vectors passed, ", skips, " skipped");
    if (&device == &test_backends().front())
      for (const auto& [why, count] : skipped) MESSAGE("skipped ", count, " ", why);
    std::istringstream expressible(kExpressible);
    int least = 0;
    for (std::string op; expressible >> op >> least;) {
      CAPTURE(op);
      CHECK(passed[op] >= least);
    }
  }
}

}  // namespace
}  // namespace snag
