#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "tests/cuda/cuda_device.h"
#include "tests/error_of.h"
#include "tests/small_training.h"
#include "tests/support.h"

namespace snag {
namespace {

std::vector<std::optional<double>> losses_after(Backend& backend, const Config& config, int steps) {
  Trainer trainer(backend, config, pictures(60, 64));
  for (int s = 0; s < steps; ++s) trainer.run_step();
  return trainer.take_losses();
}

// Relative distance of the losses of `steps` steps from the CPU's, the largest.
double distance_from_cpu(const Config& config, int steps, const CudaOptions& options) {
  const auto cpu = make_cpu_backend({.threads = 2, .arena_bytes = std::size_t{1} << 28});
  const auto gpu = cuda(options);
  const auto expected = losses_after(*cpu, config, steps), x = losses_after(*gpu, config, steps);
  REQUIRE(x.size() == expected.size());
  double most = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    REQUIRE(x[i].has_value() == expected[i].has_value());
    if (x[i]) most = std::max(most, std::abs(*x[i] - *expected[i]) / (1e-3 + std::abs(*expected[i])));
  }
  return most;
}

TEST_CASE("20 steps of each model follow the CPU's: the same batches, augmentations and losses") {
  for (const char* model : {"cnn", "autoencoder", "gan", "dcgan", "dual_gan"}) {
    CAPTURE(model);
    CHECK(distance_from_cpu(small(model), 20, {.precision = Precision::fp32}) <= 1e-3);
  }
}

TEST_CASE("a few steps on tensor cores stay near the CPU's") {
  CHECK(distance_from_cpu(small("dual_gan"), 3, {.precision = Precision::tf32}) <= 2e-2);
  CHECK(distance_from_cpu(small("dual_gan"), 3, {.precision = Precision::bf16}) <= 1e-1);
}

std::string trained(const Config& config, const CudaOptions& options) {
  const auto backend = cuda(options);
  Trainer trainer(*backend, config, pictures(11, 13));
  for (int s = 0; s < 2; ++s) trainer.run_step();
  return digest(trainer);
}

TEST_CASE("a captured step gives the bits of an eager one") {
  for (const Config& config : variants()) {
    CAPTURE(config.model);
    CAPTURE(config.batch_size);
    CHECK(trained(config, {.precision = Precision::fp32}) ==
          trained(config, {.precision = Precision::fp32, .eager = true}));
  }
}

TEST_CASE("too little memory says how much is needed") {
  const auto backend = cuda({.arena_bytes = 1 << 16});
  const Error e = error_of([&] { Trainer(*backend, small("dual_gan"), pictures(11, 13)); });
  CHECK(e.code() == Exit::device);
  CHECK(std::string(e.what()).find("MB are needed") != std::string::npos);
}

}  // namespace
}  // namespace snag
