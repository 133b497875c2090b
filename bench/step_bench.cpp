// Images a second of a dual_gan training step and of scoring, one line per batch size:
//   train BATCH IMAGES_PER_SECOND    score BATCH IMAGES_PER_SECOND    (median of repeats)
// bench/peers/compare.py runs it in turn with the PyTorch twin.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>

#include "base/error.h"
#include "base/random.h"
#include "models/trainer.h"

namespace {

using Clock = std::chrono::steady_clock;

// Calls f until `seconds` have passed, at least `least` times; the median of one call's seconds.
template <class F>
double median_seconds(F f, double seconds, int least) {
  std::vector<double> times;
  const auto start = Clock::now();
  const auto passed = [](Clock::time_point since) {
    return std::chrono::duration<double>(Clock::now() - since).count();
  };
  while (static_cast<int>(times.size()) < least || passed(start) < seconds) {
    const auto before = Clock::now();
    f();
    times.push_back(passed(before));
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

snag::Images noise(int count) {
  snag::Images images{count, snag::kSide, snag::kSide, {}};
  const int pixels = count * snag::kSide * snag::kSide;
  for (int i = 0; i < pixels; ++i)
    images.pixels.push_back(static_cast<std::uint8_t>(
        snag::philox(1, snag::Stream::sample, 0, static_cast<std::uint64_t>(i)).below(0, 256)));
  return images;
}

}  // namespace

int main(int argc, char** argv) try {
  snag::Config config;
  int least = 10;
  double seconds = 1;
  std::vector<int> batches{1, 16, 64, 256};
  CLI::App app{"Times training steps and scoring of dual_gan on random images."};
  app.add_option("--width", config.width)->capture_default_str();
  app.add_option("--threads", config.threads, "0: all cores")->capture_default_str();
  app.add_option("--batch", batches)->delimiter(',')->capture_default_str();
  app.add_option("--seconds", seconds, "at least so long per figure")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const auto backend = snag::make_cpu_backend({.threads = config.threads});
  std::printf("# %s, width %d\n", backend->name().c_str(), config.width);
  for (const int batch : batches) {
    config.batch_size = batch;
    const std::size_t mark = backend->mark();
    {
      const snag::Images images = noise(std::max(2 * batch, 256));
      snag::Trainer trainer(*backend, config, {images, images.count / 2});
      const int turn = batch == 1 ? 2 : 1;  // at 1 the kinds take turns
      const auto steps = [&] {
        for (int i = 0; i < turn; ++i) trainer.run_step();
      };
      for (int i = 0; i < 3; ++i) steps();
      std::printf("train %d %.1f\n", batch, turn * batch / median_seconds(steps, seconds, least));
      const snag::Images scored{
          batch,
          snag::kSide,
          snag::kSide,
          {images.pixels.begin(), images.pixels.begin() + std::ptrdiff_t{batch} * snag::kSide * snag::kSide}};
      std::printf("score %d %.1f\n", batch,
                  batch / median_seconds([&] { trainer.judge(scored, false); }, seconds, least));
      std::fflush(stdout);
    }
    backend->rewind(mark);
  }
} catch (const snag::Error& e) {
  std::fprintf(stderr, "step_bench: %s\n", e.what());
  return static_cast<int>(e.code());
}
