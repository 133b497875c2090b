#include "models/device.h"

#include <algorithm>

#include "base/error.h"
#include "models/trainer.h"

namespace snag {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20, kGigabyte = kMegabyte << 10;
constexpr std::size_t kReferences = kGigabyte;      // knn and pca, on data of any usual size
constexpr std::size_t kOverhead = 128 * kMegabyte;  // the backend's own memory, cuBLAS and graphs

std::string megabytes(std::size_t bytes) { return std::to_string((bytes + kMegabyte - 1) / kMegabyte) + " MB"; }

// A captured step keeps about as much again as its tensors, at most: operands as bf16, sums of products that are split.
std::size_t with_overhead(std::size_t tensors) { return 2 * tensors + kOverhead; }
std::size_t without_overhead(std::size_t bytes) { return bytes > kOverhead ? (bytes - kOverhead) / 2 : 0; }

[[noreturn]] void too_little(const DeviceBytes& memory, std::size_t need, const std::string& advice) {
  throw Error(Exit::device, "out of device memory: this run needs " + megabytes(with_overhead(need)) + ", and " +
                                megabytes(memory.free) + " of " + megabytes(memory.total) + " are free; " + advice);
}

std::size_t cuda_bytes(const Config& config, const Experiment& experiment) {
  const DeviceBytes memory = cuda_memory();
  const std::size_t left = without_overhead(memory.free);
  if (!trains(config.model)) return std::min(left, kReferences);
  const std::size_t need = bytes_needed(config, experiment);
  if (need <= left) return need;
  const int fits = largest_batch(config, experiment, left);
  too_little(memory, need,
             fits > 0 ? "--batch-size " + std::to_string(fits) + " would fit"
                      : "no batch size would fit: lower --width, or use --device cpu");
}

std::unique_ptr<Backend> backend_with(const Config& config, const std::function<std::size_t()>& cuda_need) {
  const auto asked = static_cast<std::size_t>(config.memory * kGigabyte);
  if (config.device == "cpu" || (config.device == "auto" && !cuda_available()))
    return make_cpu_backend({.threads = config.threads, .arena_bytes = asked});
  return make_cuda_backend({.arena_bytes = asked > 0 || !cuda_available() ? asked : cuda_need(),
                            .precision = precision_named(config.precision)});
}

}  // namespace

std::size_t bytes_needed(const Config& config, const Experiment& experiment) {
  const auto counting = make_counting_backend();
  Trainer trainer(*counting, config, experiment.training);  // records a step, which counts it
  trainer.judge(experiment.test.images, true);
  trainer.judge(experiment.validation.images, true);
  return counting->peak();
}

int largest_batch(const Config& config, const Experiment& experiment, std::size_t bytes) {
  const auto fits = [&](int batch) {
    Config smaller = config;
    smaller.batch_size = batch;
    return bytes_needed(smaller, experiment) <= bytes;
  };
  int low = 0, high = config.batch_size;  // low fits (or is 0), high does not
  while (high - low > 1) {
    const int middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

std::unique_ptr<Backend> make_backend(const Config& config, const Experiment& experiment) {
  return backend_with(config, [&] { return cuda_bytes(config, experiment); });
}

std::unique_ptr<Backend> make_backend(const Config& config, const std::function<std::size_t()>& bytes) {
  return backend_with(config, [&] {
    const DeviceBytes memory = cuda_memory();
    const std::size_t need = bytes();
    if (need > without_overhead(memory.free)) too_little(memory, need, "use --device cpu");
    return need;
  });
}

}  // namespace snag
