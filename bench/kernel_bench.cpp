// Times each kernel of the CUDA backend at the model's sizes, beside its portable form, cuDNN and cuBLAS in turn, after
// comparing their results; and before that the machine's own ceilings. Exits with 77 where there is no CUDA device.
#include <cuda_runtime_api.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "bench/cases.h"
#include "bench/gpu/peers.h"
#include "kernels/cuda/check.h"

namespace {

using namespace snag;
using namespace snag::gpu;
using bench::Case;
using bench::Operand;
using nlohmann::ordered_json;

constexpr std::size_t kArena = std::size_t{512} << 20;
constexpr int kWidth = 64;
constexpr int kRepeats = 20, kRounds = 7;
constexpr int kPortableBatch = 16;  // the portable forms of larger batches would take most of the time

struct Ceilings {
  double copy = 0;  // bytes/s
  std::map<std::string, double> tflops;
  double empty = 0;  // us
};

struct Bench {
  gpu::Stream stream;
  gpu::Cublas cublas{stream};
  gpu::Cudnn cudnn{stream};
  std::unique_ptr<Backend> portable = make_cuda_backend({.arena_bytes = 4096, .portable = true});
  Ceilings ceilings;
  ordered_json rows = ordered_json::array();
};

// The operands of one case in device memory.
class Operands {
 public:
  Operands(Backend& backend, const Case& c) : backend_(backend), mark_(backend.mark()) {
    for (const Operand& o : c.operands) {
      host_.push_back(bench::values(o, static_cast<unsigned>(host_.size()) + 1));
      views_.push_back({static_cast<real*>(backend.alloc(sizeof(real) * host_.back().size())), o.shape});
    }
  }
  ~Operands() { backend_.rewind(mark_); }
  Operands(const Operands&) = delete;
  Operands& operator=(const Operands&) = delete;
  const std::vector<View>& views() const { return views_; }

  // The first operand after `work` was done once on fresh operands.
  std::vector<float> result(const std::function<void()>& work) {
    for (std::size_t i = 0; i < views_.size(); ++i)
      backend_.upload(views_[i].data, host_[i].data(), sizeof(float) * host_[i].size());
    work();
    check(cudaDeviceSynchronize());
    std::vector<float> y(host_[0].size());
    backend_.download(y.data(), views_[0].data, sizeof(float) * y.size());
    return y;
  }

 private:
  Backend& backend_;
  std::size_t mark_;
  std::vector<std::vector<float>> host_;
  std::vector<View> views_;
};

// The largest difference, relative to the largest value.
double error_of(const std::vector<float>& x, const std::vector<float>& expected) {
  double most = 0, scale = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double difference = std::abs(double(x[i]) - expected[i]);
    if (!(difference <= most)) most = difference;  // a NaN counts, and stays
    scale = std::max(scale, std::abs(double(expected[i])));
  }
  return scale > 0 ? most / scale : most;
}

Peer peer_of(const Bench& b, const Kernel& kernel, Precision precision) {
  if (const auto* product = std::get_if<MatMul>(&kernel)) return b.cublas.product(*product, precision);
  if (std::holds_alternative<ConvDown>(kernel) || std::holds_alternative<ConvUp>(kernel) ||
      std::holds_alternative<ConvWeight>(kernel))
    return b.cudnn.convolution(kernel, precision);
  return {};
}

ordered_json optional_number(std::optional<double> x) { return x ? ordered_json(*x) : ordered_json(nullptr); }

std::string column(std::optional<double> x, const char* format) {
  char text[32] = "-";
  if (x) std::snprintf(text, sizeof text, format, *x);
  return text;
}

struct Row {
  const Case* at;
  std::string precision, peer_name;
  double us = 0, error = 0;
  std::optional<double> portable_us, peer_us, peer_error;

  double gigabytes() const { return at->bytes / us * 1e-3; }
  std::optional<double> tflops() const { return at->flops > 0 ? std::optional(at->flops / us * 1e-6) : std::nullopt; }
  // Per cent of the speed at which the machine's ceilings would bind: of the slower of traffic and arithmetic.
  double share(const Ceilings& c) const {
    const double arithmetic = at->flops > 0 ? at->flops / c.tflops.at(precision) * 1e-6 : 0;
    return 100 * std::max(at->bytes / c.copy * 1e6, arithmetic) / us;
  }
};

void print_heading() {
  std::printf("%-23s %-28s %5s %-4s %9s %7s %8s %7s %10s %9s %6s %8s %8s  %s\n", "kernel", "at", "batch", "", "us",
              "GB/s", "TFLOP/s", "% bound", "portable", "peer us", "ratio", "error", "its", "peer");
}

void print_row(const Row& r, const Ceilings& c) {
  const std::optional<double> ratio = r.peer_us ? std::optional(*r.peer_us / r.us) : std::nullopt;
  std::printf("%-23s %-28s %5d %-4s %9.2f %7.0f %8s %7.1f %10s %9s %6s %8.1e %8s  %s\n", r.at->kernel.c_str(),
              r.at->what.c_str(), r.at->batch, r.precision.c_str(), r.us, r.gigabytes(),
              column(r.tflops(), "%.2f").c_str(), r.share(c), column(r.portable_us, "%.1f").c_str(),
              column(r.peer_us, "%.2f").c_str(), column(ratio, "%.2f").c_str(), r.error,
              column(r.peer_error, "%.1e").c_str(), r.peer_name.c_str());
  std::fflush(stdout);
}

ordered_json to_json(const Row& r, const Ceilings& c) {
  return {{"kernel", r.at->kernel},
          {"at", r.at->what},
          {"batch", r.at->batch},
          {"precision", r.precision},
          {"microseconds", r.us},
          {"bytes", r.at->bytes},
          {"flops", r.at->flops},
          {"gigabytes_per_second", r.gigabytes()},
          {"tflops", optional_number(r.tflops())},
          {"percent_of_bound", r.share(c)},
          {"error", r.error},
          {"portable_microseconds", optional_number(r.portable_us)},
          {"peer", r.peer_name},
          {"peer_microseconds", optional_number(r.peer_us)},
          {"peer_error", optional_number(r.peer_error)}};
}

Contender of_backend(const std::string& name, Backend& backend, const Kernel& kernel, int repeats) {
  return {name, backend.record([&] {
            for (int i = 0; i < repeats; ++i) backend.run(kernel);
          }),
          repeats};
}

// Compares first, then times in turn.
void bench_case(Bench& b, Backend& backend, const Case& c, const std::string& precision_name, Precision precision) {
  Operands operands(backend, c);
  const Kernel kernel = c.build(operands.views());
  const std::vector<float> expected = operands.result([&] { b.portable->run(kernel); });
  Row row{.at = &c, .precision = precision_name, .peer_name = "", .portable_us = {}, .peer_us = {}, .peer_error = {}};
  row.error = error_of(operands.result([&] { backend.run(kernel); }), expected);

  std::vector<Contender> contenders;
  contenders.push_back(of_backend("snag", backend, kernel, kRepeats));
  const Peer peer = peer_of(b, kernel, precision);
  row.peer_name = peer.name;
  if (peer.call) {
    row.peer_error = error_of(operands.result(peer.call), expected);
    contenders.push_back({peer.name, b.stream.record(peer.call, kRepeats), kRepeats});
  }
  if (c.batch <= kPortableBatch && precision == Precision::fp32)
    contenders.push_back(of_backend("portable", *b.portable, kernel, 1));

  std::vector<const Contender*> turns;
  for (const Contender& one : contenders) turns.push_back(&one);
  const std::vector<double> us = microseconds(turns, kRounds);
  row.us = us[0];
  if (peer.call) row.peer_us = us[1];
  if (contenders.back().name == "portable") row.portable_us = us.back();
  print_row(row, b.ceilings);
  b.rows.push_back(to_json(row, b.ceilings));
}

void print_tiles_heading() {
  std::printf("%-11s %-24s %5s %-4s %-20s %6s %9s %9s\n", "kernel", "at", "batch", "", "tile", "splits", "estimated",
              "us");
}

// Every tile of one convolution, in turn; the first is the one that the backend would choose. How much longer that
// takes than the fastest.
std::optional<double> bench_tiles(Bench& b, Backend& backend, const Case& c, const std::string& precision_name,
                                  Precision precision) {
  Operands operands(backend, c);
  const Kernel kernel = c.build(operands.views());
  std::vector<Tiling> all = tilings(backend, kernel);
  if (all.empty()) return std::nullopt;
  std::stable_sort(all.begin(), all.end(),
                   [](const Tiling& x, const Tiling& y) { return x.microseconds < y.microseconds; });
  std::vector<std::unique_ptr<Backend>> backends;
  std::vector<Contender> contenders;
  std::vector<const Contender*> turns;
  for (const Tiling& t : all) {
    backends.push_back(make_cuda_backend({.arena_bytes = 4096, .precision = precision, .tile = t.tile}));
    contenders.push_back(of_backend(t.tile, *backends.back(), kernel, kRepeats));
  }
  for (const Contender& one : contenders) turns.push_back(&one);
  const std::vector<double> us = microseconds(turns, kRounds);
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::printf("%-11s %-24s %5d %-4s %-20s %6d %9.2f %9.2f\n", c.kernel.c_str(), c.what.c_str(), c.batch,
                precision_name.c_str(), all[i].tile, all[i].splits, all[i].microseconds, us[i]);
    b.rows.push_back({{"kernel", c.kernel},
                      {"at", c.what},
                      {"batch", c.batch},
                      {"precision", precision_name},
                      {"tile", all[i].tile},
                      {"splits", all[i].splits},
                      {"estimated_microseconds", all[i].microseconds},
                      {"microseconds", us[i]}});
  }
  std::fflush(stdout);
  return us[0] / *std::min_element(us.begin(), us.end());
}

Ceilings measured_ceilings(const Bench& b) {
  Ceilings c;
  c.copy = copy_bandwidth(b.stream);
  for (const auto& [name, precision] : kPrecisions) c.tflops[name] = b.cublas.ceiling(b.stream, precision);
  c.empty = empty_kernel(b.stream);
  return c;
}

void print_ceilings(const Ceilings& c, const cudaDeviceProp& device) {
  std::printf("%s, compute capability %d.%d, %d multiprocessors, L2 %d MB; peers: cuBLAS, %s\n", device.name,
              device.major, device.minor, device.multiProcessorCount, device.l2CacheSize >> 20,
              gpu::Cudnn::version().c_str());
  std::printf(
      "ceilings measured: copy %.0f GB/s; products of 4096^3 fp32 %.1f, tf32 %.1f, bf16 %.1f TFLOP/s; "
      "an empty kernel in a graph %.2f us\n",
      c.copy * 1e-9, c.tflops.at("fp32"), c.tflops.at("tf32"), c.tflops.at("bf16"), c.empty);
  std::printf(
      "Operands that fit into the L2 stay there between repeats, so GB/s may exceed the copy's. FLOP are "
      "nominal: padding counts.\nRatio: the peer's time over ours. Error: largest difference from the portable "
      "form over its largest value.\nWhat a product wants as bf16 is made once for all repeats, as in a step the works "
      "that write it keep it so.\n");
}

struct What {
  std::vector<int> batches{0, 1, 16, 64, 256};
  std::vector<std::string> precisions{"fp32", "tf32", "bf16"};
  std::string only, json;
  bool tiles = false;
};

void bench_precision(Bench& b, const std::string& name, Precision precision, const What& what) {
  const auto backend = make_cuda_backend({.arena_bytes = kArena, .precision = precision});
  std::vector<double> losses;
  for (const int batch : what.batches)
    for (const Case& c : bench::model_cases(batch, kWidth)) {
      if (!c.products && precision != Precision::fp32) continue;  // the same kernel in each precision
      if (c.kernel.find(what.only) == std::string::npos) continue;
      if (!what.tiles)
        bench_case(b, *backend, c, name, precision);
      else if (const auto loss = bench_tiles(b, *backend, c, name, precision))
        losses.push_back(*loss);
    }
  if (losses.empty()) return;
  double sum = 0;
  for (const double l : losses) sum += std::log(l);
  std::printf(
      "%s: the tile that is chosen takes %.3f times as long as the fastest, in the geometric mean; at worst %.2f\n",
      name.c_str(), std::exp(sum / static_cast<double>(losses.size())),
      *std::max_element(losses.begin(), losses.end()));
}

int run(const What& what) {
  if (!cuda_available()) {
    std::puts("kernel_bench: no CUDA device: skipped");
    return 77;
  }
  cudaDeviceProp device{};
  check(cudaGetDeviceProperties(&device, 0));
  Bench b;
  b.ceilings = measured_ceilings(b);
  print_ceilings(b.ceilings, device);
  if (what.tiles)
    print_tiles_heading();
  else
    print_heading();
  for (const auto& [name, precision] : kPrecisions)
    if (std::find(what.precisions.begin(), what.precisions.end(), name) != what.precisions.end())
      bench_precision(b, name, precision, what);
  if (what.json.empty()) return 0;
  const ordered_json ceilings{{"copy_bytes_per_second", b.ceilings.copy},
                              {"tflops", b.ceilings.tflops},
                              {"empty_kernel_microseconds", b.ceilings.empty}};
  const ordered_json all{{"device", device.name},
                         {"l2_bytes", device.l2CacheSize},
                         {"cudnn", gpu::Cudnn::version()},
                         {"ceilings", ceilings},
                         {"rows", b.rows}};
  write_file(what.json, all.dump(1) + "\n");
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  What what;
  CLI::App app{"Times each CUDA kernel at the model's sizes beside cuDNN, cuBLAS and its portable form."};
  app.add_option("--batch", what.batches, "0: the optimiser's kernels")->delimiter(',')->capture_default_str();
  app.add_option("--precision", what.precisions)
      ->delimiter(',')
      ->check(CLI::IsMember({"fp32", "tf32", "bf16"}))
      ->capture_default_str();
  app.add_option("--only", what.only, "kernels whose name contains this");
  app.add_flag("--tiles", what.tiles,
               "convolutions only: in each tile that they may have, beside the plan's estimates");
  app.add_option("--json", what.json, "also write everything to this file");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(snag::Exit::usage);
  }
  return run(what);
} catch (const snag::Error& e) {
  std::fprintf(stderr, "kernel_bench: %s\n", e.what());
  return static_cast<int>(e.code());
}
