// Images a second of a dual_gan training step and of scoring, one line per batch size:
//   train BATCH IMAGES_PER_SECOND    score BATCH IMAGES_PER_SECOND    (median of repeats)
// Scoring goes the way of detect, whose weights are frozen. "# ready" says that a model is built.
// bench/peers/compare.py runs it in turn with the PyTorch twin. On CUDA a comment before each rate of training gives
// steps a second and the kernels of a captured step. Exits with 77 where CUDA is asked for and there is none.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>

#include "base/error.h"
#include "base/random.h"
#include "models/saved_scorer.h"
#include "models/trainer.h"

namespace {

using Clock = std::chrono::steady_clock;
double passed(Clock::time_point since) { return std::chrono::duration<double>(Clock::now() - since).count(); }

// Calls f until `seconds` have passed, at least `least` times; the median of one call's seconds.
template <class F>
double median_seconds(F f, double seconds, int least) {
  std::vector<double> times;
  const auto start = Clock::now();
  while (static_cast<int>(times.size()) < least || passed(start) < seconds) {
    const auto before = Clock::now();
    f();
    times.push_back(passed(before));
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

constexpr int kNoise = 256;            // different images; more are repetitions
constexpr int kCudaSteps = 128;        // steps of an epoch on CUDA: about what real data has
constexpr double kCudaSeconds = 0.02;  // of one measurement: so long that waiting for its end costs nothing

snag::Images noise(int count) {
  snag::Images images{count, snag::kSide, snag::kSide, {}};
  const int pixels = std::min(count, kNoise) * snag::kPixels;
  for (int i = 0; i < pixels; ++i)
    images.pixels.push_back(static_cast<std::uint8_t>(
        snag::philox(1, snag::Stream::sample, 0, static_cast<std::uint64_t>(i)).below(0, 256)));
  const auto all = static_cast<std::size_t>(count) * snag::kPixels;
  while (images.pixels.size() < all) images.pixels.push_back(images.pixels[images.pixels.size() - std::size_t(pixels)]);
  return images;
}

struct Options {
  std::vector<int> batches;
  std::vector<std::string> what{"train", "score"};
  double seconds = 1;
  int least = 10;
  bool cuda = false;
};

snag::TrainingSet training_set(int batch, bool cuda) {
  const int count = cuda ? std::max(2, batch) * kCudaSteps : std::max(2 * batch, 256);
  return {noise(count), count / 2};
}

// Scores as detect does, with weights that were never trained.
class Detector {
 public:
  Detector(snag::Backend& backend, const snag::Config& config)
      : tape_(backend), scorer_(tape_, config, untrained(tape_, config)) {}
  void score(const snag::Images& images) {
    judge(tape_, images, false, [&](snag::Tensor x) { return scorer_.score(x); });
  }

 private:
  static snag::Checkpoint untrained(snag::Tape& tape, const snag::Config& config) {
    const snag::Tape::Mark start = tape.mark();
    snag::Checkpoint weights;
    snag::Weights(tape, snag::GanScorer(config).layout(), config.seed).save(weights);
    tape.rewind(start);
    return weights;
  }
  snag::Tape tape_;
  snag::SavedScorer scorer_;
};

// Bytes of device memory that the benchmark takes at its largest batch.
std::size_t bytes_needed(snag::Config config, const Options& o) {
  const auto counting = snag::make_counting_backend();
  for (const int batch : o.batches) {
    const std::size_t mark = counting->mark();
    config.batch_size = batch;
    snag::Trainer(*counting, config, training_set(batch, o.cuda));
    counting->rewind(mark);
    Detector(*counting, config).score(noise(batch));
    counting->rewind(mark);
  }
  return counting->peak() + 4096;
}

// Seconds of one `steps()`. On CUDA a measurement is so many of them that launches run ahead of the device.
template <class F>
double step_seconds(snag::Backend& backend, const Options& o, const F& steps) {
  if (!o.cuda) return median_seconds(steps, o.seconds, o.least);
  const auto run = [&](int times) {
    for (int i = 0; i < times; ++i) steps();
    backend.wait();
  };
  int times = 1;
  for (;; times *= 2) {
    const auto before = Clock::now();
    run(times);
    if (passed(before) >= kCudaSeconds) break;
  }
  return median_seconds([&] { run(times); }, o.seconds, o.least) / times;
}

void bench_training(snag::Backend& backend, snag::Trainer& trainer, int batch, const Options& o) {
  const int turn = batch == 1 ? 2 : 1;  // at 1 the kinds take turns
  const auto steps = [&] {
    for (int i = 0; i < turn; ++i) trainer.run_step();
  };
  const auto start = Clock::now();
  for (int i = 0; i < 3 && (i == 0 || passed(start) < o.seconds); ++i) steps();
  const double seconds = step_seconds(backend, o, steps) / turn;
  if (o.cuda) {
    std::printf("# batch %d: %.1f steps/s, %.1f us a step", batch, 1 / seconds, 1e6 * seconds);
    if (trainer.kernels_per_step() > 0)
      std::printf(", %d kernels, %d in a row", trainer.kernels_per_step(), trainer.longest_chain_per_step());
    std::puts("");
  }
  std::printf("train %d %.1f\n", batch, batch / seconds);
}

void bench_scoring(Detector& detector, int batch, const Options& o) {
  const snag::Images scored = noise(batch);
  detector.score(scored);
  std::printf("score %d %.1f\n", batch, batch / median_seconds([&] { detector.score(scored); }, o.seconds, o.least));
}

void ready() {
  std::puts("# ready");
  std::fflush(stdout);
}

void bench_all(snag::Backend& backend, snag::Config config, const Options& o) {
  for (const int batch : o.batches) {
    config.batch_size = batch;
    for (const std::string& what : o.what) {
      const std::size_t mark = backend.mark();
      if (what == "train") {
        snag::Trainer trainer(backend, config, training_set(batch, o.cuda));
        ready();
        bench_training(backend, trainer, batch, o);
      } else {
        Detector detector(backend, config);
        ready();
        bench_scoring(detector, batch, o);
      }
      std::fflush(stdout);
      backend.rewind(mark);
    }
  }
}

void bench_cuda(const snag::Config& config, const Options& o, snag::Precision precision, bool eager) {
  const auto backend =
      snag::make_cuda_backend({.arena_bytes = bytes_needed(config, o), .precision = precision, .eager = eager});
  std::printf("# %s, %s, width %d\n", backend->name().c_str(), eager ? "eager" : "captured", config.width);
  bench_all(*backend, config, o);
}

}  // namespace

int main(int argc, char** argv) try {
  snag::Config config;
  Options o;
  std::string device = "cpu";
  std::vector<std::string> precisions{"fp32", "tf32", "bf16"};
  bool eager = false;
  CLI::App app{"Times training steps and scoring of dual_gan on random images."};
  app.add_option("--width", config.width)->capture_default_str();
  app.add_option("--device", device)->check(CLI::IsMember({"cpu", "cuda"}))->capture_default_str();
  app.add_option("--precision", precisions, "on cuda: of products")
      ->delimiter(',')
      ->check(CLI::IsMember({"fp32", "tf32", "bf16"}))
      ->capture_default_str();
  app.add_flag("--eager", eager, "on cuda: also steps that are launched kernel by kernel");
  app.add_option("--threads", config.threads, "on cpu; 0: all cores")->capture_default_str();
  app.add_option("--batch", o.batches, "default: 1,16,64,256 on cpu, 2,16,64,256 on cuda")
      ->delimiter(',')
      ->check(CLI::Range(1, 1 << 16));
  app.add_option("--what", o.what)->delimiter(',')->check(CLI::IsMember({"train", "score"}))->capture_default_str();
  app.add_option("--seconds", o.seconds, "at least so long per figure")->capture_default_str();
  app.add_option("--least", o.least, "at least so many repeats per figure")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(snag::Exit::usage);
  }
  o.cuda = device == "cuda";
  if (o.batches.empty()) o.batches = {o.cuda ? 2 : 1, 16, 64, 256};

  if (!o.cuda) {
    const auto backend = snag::make_cpu_backend({.threads = config.threads});
    std::printf("# %s, width %d\n", backend->name().c_str(), config.width);
    bench_all(*backend, config, o);
    return 0;
  }
  if (!snag::cuda_available()) {
    std::puts("step_bench: no CUDA device: skipped");
    return 77;
  }
  for (const std::string& precision : precisions)
    for (const bool launch_each : {false, true})
      if (eager || !launch_each) bench_cuda(config, o, snag::precision_named(precision), launch_each);
} catch (const snag::Error& e) {
  std::fprintf(stderr, "step_bench: %s\n", e.what());
  return static_cast<int>(e.code());
}
