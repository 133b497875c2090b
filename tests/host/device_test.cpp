#include "models/device.h"

#include <doctest/doctest.h>

#include "tests/small_training.h"

namespace snag {
namespace {

Experiment experiment() {
  Experiment e;
  e.training = pictures(40, 40);
  e.test.images = pictures(150, 150).images;
  e.validation.images = pictures(10, 10).images;
  return e;
}

TEST_CASE("the memory that a run needs is counted before it is taken") {
  const Experiment e = experiment();
  for (const char* model : {"cnn", "gan", "dual_gan"}) {
    CAPTURE(model);
    Config config = small(model);
    config.batch_size = 24;
    const std::size_t need = bytes_needed(config, e);
    const auto backend = make_cpu_backend({.threads = 2, .arena_bytes = std::size_t{1} << 30});
    Trainer trainer(*backend, config, e.training);
    trainer.run_step();
    trainer.judge(e.test.images, true);
    CHECK(need >= backend->peak());
    CHECK(static_cast<double>(need) <= 1.1 * static_cast<double>(backend->peak()));
  }
}

TEST_CASE("the largest batch that fits is the largest") {
  Experiment e = experiment();
  e.test.images = pictures(1, 1).images;  // so that training, not scoring, needs the most
  Config config = small("dual_gan");
  config.batch_size = 64;
  Config half = config;
  half.batch_size = 32;
  const std::size_t memory = bytes_needed(half, e);
  const int fits = largest_batch(config, e, memory);
  CHECK(fits >= 32);
  config.batch_size = fits;
  CHECK(bytes_needed(config, e) <= memory);
  config.batch_size = fits + 1;
  CHECK(bytes_needed(config, e) > memory);
  CHECK(largest_batch(config, e, 1000) == 0);
}

}  // namespace
}  // namespace snag
