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

using Losses = std::vector<std::optional<double>>;

// The mean losses of the steps up to each of `ends`, since the end before.
std::vector<Losses> losses(Backend& backend, const Config& config, const std::vector<int>& ends,
                           const TrainingSet& set) {
  Trainer trainer(backend, config, set);
  std::vector<Losses> all;
  for (const int end : ends) {
    while (trainer.step() < end) trainer.run_step();
    all.push_back(trainer.take_losses());
  }
  return all;
}

// Relative distance from the CPU's losses, the largest, at each of `ends`.
std::vector<double> distances(const Config& config, const std::vector<int>& ends, const CudaOptions& options,
                              const TrainingSet& set = pictures(60, 64)) {
  const auto cpu = make_cpu_backend({.threads = 2, .arena_bytes = std::size_t{1} << 28});
  const auto gpu = cuda(options);
  const auto expected = losses(*cpu, config, ends, set), x = losses(*gpu, config, ends, set);
  std::vector<double> all;
  for (std::size_t k = 0; k < ends.size(); ++k) {
    all.push_back(0);
    REQUIRE(x[k].size() == expected[k].size());
    for (std::size_t i = 0; i < x[k].size(); ++i) {
      REQUIRE(x[k][i].has_value() == expected[k][i].has_value());
      if (x[k][i])
        all.back() = std::max(all.back(), std::abs(*x[k][i] - *expected[k][i]) / (1e-3 + std::abs(*expected[k][i])));
    }
  }
  return all;
}

// Rounding alone parts them by 1e-7, until it decides a kink (a leaky ReLU, the worst patches, the ABC loss) otherwise.
TEST_CASE("20 steps of each model follow the CPU's: the same batches, augmentations and losses") {
  for (const char* model : {"cnn", "autoencoder", "restore", "gan", "dcgan", "dual_gan"}) {
    CAPTURE(std::string(model));
    const std::vector<double> distance = distances(small(model), {10, 20}, {.precision = Precision::fp32});
    CHECK(distance[0] <= 1e-5);
    CHECK(distance[1] <= 1e-2);
  }
}

TEST_CASE("a step on larger images in colour follows the CPU's") {
  Config config = small("dual_gan");
  config.width = config.batch_size = 2;
  CHECK(distances(config, {1}, {.precision = Precision::fp32}, pictures(2, 2, 64, 3))[0] <= 1e-5);
}

TEST_CASE("a few steps on tensor cores stay near the CPU's") {
  CHECK(distances(small("dual_gan"), {3}, {.precision = Precision::tf32})[0] <= 2e-2);
  CHECK(distances(small("dual_gan"), {3}, {.precision = Precision::bf16})[0] <= 1e-1);
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

// Wide and on one multiprocessor, so that its products have the largest tiles: of operands that the works before keep
// as bf16, too.
TEST_CASE("a captured step on tensor cores gives the bits of an eager one, which makes each operand bf16 anew") {
  Config config = small("dual_gan");
  config.width = 32;
  config.batch_size = 8;
  for (const Precision precision : {Precision::tf32, Precision::bf16}) {
    CAPTURE(text(precision));
    CudaOptions options{.arena_bytes = std::size_t{128} << 20, .precision = precision};
    options.multiprocessors = 1;
    const std::string captured = trained(config, options);
    options.eager = true;
    CHECK(trained(config, options) == captured);
  }
}

TEST_CASE("no step depends on the order of threads") {
  for (const int batch_size : {2, 5}) {
    CAPTURE(batch_size);
    Config config = small("dual_gan");
    config.batch_size = batch_size;
    const std::string eager = trained(config, {.precision = Precision::tf32, .eager = true});
    each_schedule([&] { CHECK(trained(config, {.precision = Precision::tf32}) == eager); });
  }
}

TEST_CASE("a captured step of dual_gan takes at most 160 launches, of which 105 wait for one another") {
  Config config;
  config.batch_size = 8;
  const auto backend = cuda({.arena_bytes = std::size_t{160} << 20, .precision = Precision::bf16});
  const Trainer trainer(*backend, config, pictures(8, 8));
  CHECK(trainer.kernels_per_step() <= 160);
  CHECK(trainer.longest_chain_per_step() <= 105);
  CHECK(trainer.longest_chain_per_step() > 10);
}

View values(Backend& backend, int size) {
  return {static_cast<float*>(backend.alloc(sizeof(float) * static_cast<std::size_t>(size))), {1, size, 1, 1}};
}

TEST_CASE("small works of one program share a launch, large ones and others do not") {
  const auto backend = cuda({});
  const auto fills = [&](int size) {
    const View x = values(*backend, size), y = values(*backend, size), z = values(*backend, size);
    return backend->record([&backend, x, y, z] {
      backend->run(Fill{.y = x, .value = 3});
      backend->run(Fill{.y = y, .value = 4});
      backend->run(Affine{.y = z, .x = x, .scale = 2, .shift = 1});
      backend->run(Affine{.y = z, .x = z, .scale = 2, .shift = 1});
    });
  };
  const auto small = fills(1000), large = fills(1 << 20);
  CHECK(small->kernels() == 3);
  CHECK(large->kernels() == 4);
  CHECK(small->longest_chain() == 3);
  CHECK(large->longest_chain() == 3);
}

// A launch has as many works as its parameters hold.
TEST_CASE("works that do not fit into one launch get another") {
  const auto backend = cuda({});
  constexpr int kWorks = 100, kValues = 16;
  std::vector<View> all;
  for (int i = 0; i < kWorks; ++i) all.push_back(values(*backend, kValues));
  const auto step = backend->record([&backend, all] {
    for (std::size_t i = 0; i < all.size(); ++i) backend->run(Fill{.y = all[i], .value = static_cast<real>(i)});
  });
  CHECK(step->kernels() > 1);
  CHECK(step->kernels() < 20);
  CHECK(step->longest_chain() == 1);
  step->run();
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::vector<float> x(kValues);
    backend->download(x.data(), all[i].data, sizeof(float) * x.size());
    CHECK(x == std::vector<float>(kValues, static_cast<float>(i)));
  }
}

// The sum is split into five shares of two floats, so what comes after it would lie askew.
TEST_CASE("works that may run at once find their scratch memory aligned") {
  const auto backend = cuda({});
  const View x = values(*backend, 5 * 4096), big = values(*backend, 2 * 32 * 32),
             small = values(*backend, 2 * 64 * 16 * 16), sum = values(*backend, 1), dw = values(*backend, 64 * 16);
  const auto work = [&] {
    backend->run(Sum{.y = sum, .x = x, .scale = 1});
    backend->run(ConvWeight{.dw = {dw.data, {64, 1, 4, 4}},
                            .big = {big.data, {2, 1, 32, 32}},
                            .small = {small.data, {2, 64, 16, 16}},
                            .g = {.kernel = 4, .stride = 2, .pad = 1}});
  };
  const auto result = [&] {
    std::vector<float> w(64 * 16);
    backend->download(w.data(), dw.data, sizeof(float) * w.size());
    return w;
  };
  backend->run(Fill{.y = x, .value = 1});
  backend->run(Fill{.y = big, .value = 0.5f});
  backend->run(Fill{.y = small, .value = 0.25f});
  work();
  const std::vector<float> eager = result();
  backend->run(Fill{.y = dw, .value = 0});
  const auto step = backend->record(work);
  CHECK(step->kernels() == 2);
  CHECK(step->longest_chain() == 1);
  step->run();
  CHECK(result() == eager);
  CHECK(eager[5] == 2 * 256 * 0.125f);  // a tap in the middle meets every pixel
}

TEST_CASE("too little memory says how much is needed") {
  const auto backend = cuda({.arena_bytes = 1 << 16});
  const Error e = error_of([&] { Trainer(*backend, small("dual_gan"), pictures(11, 13)); });
  CHECK(e.code() == Exit::device);
  CHECK(std::string(e.what()).find("MB are needed") != std::string::npos);
}

}  // namespace
}  // namespace snag
