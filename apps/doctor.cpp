#include "apps/doctor.h"

#include <sys/statvfs.h>
#include <sys/sysinfo.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/markup.h"
#include "base/random.h"
#include "data/idx.h"
#include "models/metrics.h"
#include "models/trainer.h"

namespace snag {
namespace {

constexpr double kGigabyte = 1 << 30;

void say(const std::string& what, const std::string& text) { std::printf("%-12s %s\n", what.c_str(), text.c_str()); }

std::string gigabytes(double bytes) { return decimal(bytes / kGigabyte, 1) + " GiB"; }

// The first line of a file that holds `part`, or "".
std::string line_of(const char* path, const std::string& part) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.find(part) != std::string::npos) return line;
  return "";
}

void describe_machine() {
  const std::string processor = line_of("/proc/cpuinfo", "model name");
  say("processor", (processor.empty() ? "unknown" : processor.substr(processor.find(':') + 2)) + ", " +
                       std::to_string(std::thread::hardware_concurrency()) + " threads");
  say("kernels", make_cpu_backend({.arena_bytes = 1 << 20})->name());
  struct sysinfo memory {};
  sysinfo(&memory);
  say("memory", gigabytes(double(memory.totalram) * memory.mem_unit) + ", " +
                    gigabytes(double(memory.freeram) * memory.mem_unit) + " unused");
  const std::string driver = line_of("/proc/driver/nvidia/version", "NVRM");
  say("GPU driver", driver.empty() ? "none" : driver.substr(driver.find(':') + 2));
  if (cuda_available()) {
    const DeviceBytes bytes = cuda_memory();
    say("GPU", make_cuda_backend({.arena_bytes = 1 << 20})->name() + ", " + gigabytes(double(bytes.total)) + ", " +
                   gigabytes(double(bytes.free)) + " free");
  } else {
    say("GPU", "none that this build can use; --device cpu computes");
  }
  struct statvfs disk {};
  if (statvfs(".", &disk) == 0) say("disk", gigabytes(double(disk.f_bavail) * double(disk.f_frsize)) + " free here");
}

std::string big_endian(int value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

// SHA-256 of the four unpacked files of Fashion-MNIST, whose MD5 sums Zalando states.
bool is_fashion_mnist(const LabelledImages& set, bool train) {
  std::string images{0, 0, 8, 3}, labels{0, 0, 8, 1};
  images += big_endian(set.images.count) + big_endian(set.images.height) + big_endian(set.images.width);
  images.append(set.images.pixels.begin(), set.images.pixels.end());
  labels += big_endian(set.images.count);
  labels.append(set.labels.begin(), set.labels.end());
  return sha256(images) == (train ? "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
                                  : "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b") &&
         sha256(labels) == (train ? "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
                                  : "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34");
}

void check_data(const std::string& asked) {
  const std::string folder = asked.empty() ? default_data_dir().string() : asked;
  if (folder.empty()) {
    say("data", "Fashion-MNIST is not installed: apt install dataset-fashion-mnist, or say --data DIR");
    return;
  }
  for (const std::string split : {"train", "t10k"}) {
    const LabelledImages set = read_split(folder, split);
    say("data",
        folder + ", " + split + ": " + grouped(set.images.count) + " images, " +
            (is_fashion_mnist(set, split == "train") ? "the checksums of Fashion-MNIST" : "other than Fashion-MNIST"));
  }
}

// Upright stripes are normal, level ones are not.
Images stripes(int count, bool upright, std::uint32_t part) {
  Images images{count, kSide, kSide, {}};
  for (int i = 0; i < count; ++i) {
    const Draw draw = philox(0, Stream::sample, part, static_cast<std::uint64_t>(i));
    const int at = draw.below(0, kSide - 4);
    for (int p = 0; p < kPixels; ++p) {
      const int place = upright ? p % kSide : p / kSide;
      images.pixels.push_back(place >= at && place < at + 4 ? 230 : static_cast<std::uint8_t>(draw.below(1, 60)));
    }
  }
  return images;
}

Images both(int each, std::uint32_t part) {
  Images images = stripes(each, true, part);
  const Images odd = stripes(each, false, part + 1);
  images.pixels.insert(images.pixels.end(), odd.pixels.begin(), odd.pixels.end());
  images.count += odd.count;
  return images;
}

// What the same weights say on another device: the largest difference of a score, as a share of it.
double difference(Trainer& trained, const Config& config, const TrainingSet& set, const Images& images,
                  std::unique_ptr<Backend> backend) {
  Trainer other(*backend, config, set);
  other.resume(trained.state());
  const std::vector<float> a = trained.judge(images, false).score, b = other.judge(images, false).score;
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(double(a[i]) - b[i]) / std::abs(a[i]));
  return most;
}

void require_small(double share, double most, const std::string& where) {
  say("self-test", where + ": scores differ by " + significant(share, 2) + " of a score at most");
  if (!(share <= most))
    throw Error(Exit::device, "the self-test failed: scores of " + where + " differ by " + significant(share, 3) +
                                  ", more than " + significant(most, 1) + ": this machine or build computes wrongly");
}

void self_test() {
  constexpr int kEach = 128, kTested = 32;
  const auto began = std::chrono::steady_clock::now();
  Config config;
  config.width = 4;
  config.batch_size = 16;
  config.epochs = 12;
  config.warmup = 4;
  config.lr = 4e-3;
  config.ema = 0.9;
  config.augment = "none";
  const TrainingSet set{both(kEach, 0), kEach};
  const Images test = both(kTested, 2);
  std::vector<std::uint8_t> anomaly(2 * kTested, 1);
  std::fill_n(anomaly.begin(), kTested, std::uint8_t{0});

  const std::unique_ptr<Backend> backend = make_cpu_backend();
  Trainer trainer(*backend, config, set);
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(); };
  constexpr double kMostSeconds = 4;
  while (trainer.step() < trainer.total_steps() && seconds() < kMostSeconds) trainer.run_step();
  const double area = auroc(trainer.judge(test, false).score, anomaly);
  say("self-test", "trained " + std::to_string(trainer.step()) + " steps in " + decimal(seconds(), 2) + " s, AUROC " +
                       decimal(area, 3) + " on made-up images");
  constexpr double kLearned = 0.9;
  if (!(area >= kLearned))
    throw Error(Exit::device, "the self-test failed: AUROC " + decimal(area, 3) +
                                  ", less than 0.9, on images that are "
                                  "easy to tell apart: this machine or build computes wrongly");
  require_small(difference(trainer, config, set, test, make_cpu_backend({.portable = true})), 1e-4,
                "the portable kernels");
  if (cuda_available())  // products in tf32: 10 bits
    require_small(difference(trainer, config, set, test, make_cuda_backend({.arena_bytes = std::size_t{1} << 28})),
                  2e-2, "the GPU");
}

}  // namespace

int doctor(const std::string& data) {
  say("snag", std::string(SNAG_VERSION) + ", compiled by g++ " + __VERSION__);
  describe_machine();
  check_data(data);
  self_test();
  say("result", "all is well");
  return 0;
}

}  // namespace snag
