// Times each kernel of the CPU backend at the model's sizes, in turn with oneDNN and OpenBLAS where the build has them,
// after comparing their results; the machine's own ceilings before and after. A result that differs is an error.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/progress.h"
#include "bench/cases.h"
#include "bench/cpu/peers.h"
#include "bench/cpu/report.h"
#include "kernels/cpu/machine.h"

namespace {

using namespace snag;
using namespace snag::bench;

constexpr double kMostError = 1e-6;     // normalised mean squared error of float32 sums in other orders
constexpr double kPortableFlops = 5e7;  // more would take the portable forms seconds
constexpr double kPortableBytes = 5e7;

struct Options {
  std::vector<int> batches{0, 1, 16, 64, 256};
  int width = 64, threads = 0;
  std::vector<std::string> only;
  std::string json;
  bool no_peers = false, no_portable = false;
  Effort effort = {};
};

struct Bench {
  explicit Bench(const Options& options)
      : o(options), backend(make_cpu_backend({.threads = options.threads})), onednn(options.threads) {}
  const Options& o;
  Effort effort = o.effort;
  std::unique_ptr<Backend> backend, portable = make_cpu_backend({.portable = true});
  OneDnn onednn;
};

double normalised_error(const std::vector<float>& x, const std::vector<float>& expected) {
  double difference = 0, scale = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    difference += (double(x[i]) - expected[i]) * (double(x[i]) - expected[i]);
    scale += double(expected[i]) * expected[i];
  }
  return scale > 0 ? difference / scale : difference;
}

// The operands of one case in the backend's memory, which is given back at the end.
class Operands {
 public:
  Operands(Backend& backend, const Case& c) : backend_(backend), mark_(backend.mark()) {
    for (const Operand& o : c.operands) {
      host_.push_back(values(o, static_cast<unsigned>(host_.size()) + 1));
      views_.push_back({static_cast<real*>(backend.alloc(sizeof(real) * host_.back().size())), o.shape});
    }
    fill();
  }
  ~Operands() { backend_.rewind(mark_); }
  Operands(const Operands&) = delete;
  Operands& operator=(const Operands&) = delete;
  const std::vector<View>& views() const { return views_; }

  // The first operand after `work` was done once on fresh operands.
  std::vector<float> result(const std::function<void()>& work) {
    fill();
    return result_as_filled(work);
  }
  // The same where operands may be frozen.
  std::vector<float> result_as_filled(const std::function<void()>& work) const {
    work();
    return {views_[0].data, views_[0].data + views_[0].shape.size()};
  }

 private:
  void fill() {
    for (std::size_t i = 0; i < views_.size(); ++i)
      backend_.upload(views_[i].data, host_[i].data(), sizeof(float) * host_[i].size());
  }

  Backend& backend_;
  std::size_t mark_;
  std::vector<std::vector<float>> host_;
  std::vector<View> views_;
};

void require_equal(const Row& r, const std::string& who, double error) {
  if (error <= kMostError) return;
  char text[64];
  std::snprintf(text, sizeof text, "%.1e (allowed: %.0e)", error, kMostError);
  throw Error(Exit::device, r.kernel + " " + r.what + ", batch " + std::to_string(r.batch) + ": Snag and " + who +
                                " differ by a normalised squared error of " + text);
}

void compare_portable(Bench& b, const Kernel& kernel, Operands& operands, const std::vector<float>& ours, Row& row) {
  if (b.o.no_portable || row.flops > kPortableFlops || row.bytes > kPortableBytes) return;
  const auto run = [&] { b.portable->run(kernel); };
  row.portable_error = normalised_error(ours, operands.result(run));
  require_equal(row, "its portable form", *row.portable_error);
  std::vector<double> us;
  for (int i = 0; i < 3; ++i) us.push_back(1e6 * seconds(run));
  row.portable_us = quantile(us, 0.5);
}

Peer peer_of(Bench& b, const Kernel& kernel) {
  if (b.o.no_peers) return {};
  if (Peer p = b.onednn.convolution(kernel, *b.backend); p.run.call) return p;
  return blas_product(kernel, *b.backend);
}

// More than one channel on both sides.
bool is_body(const Kernel& kernel) {
  const auto wide_both = [](Shape big, Shape small) { return big.c > 1 && small.c > 1; };
  if (const auto* k = std::get_if<ConvDown>(&kernel)) return wide_both(k->big.shape, k->small.shape);
  if (const auto* k = std::get_if<ConvUp>(&kernel)) return wide_both(k->big.shape, k->small.shape);
  if (const auto* k = std::get_if<ConvWeight>(&kernel)) return wide_both(k->big.shape, k->small.shape);
  return false;
}

// A convolution's weights do not change while they are timed: both sides may keep them as they like them best.
void freeze_weights(Bench& b, const Kernel& kernel, const Operands& operands, const std::vector<float>& ours,
                    const Row& row) {
  const auto* down = std::get_if<ConvDown>(&kernel);
  const auto* up = std::get_if<ConvUp>(&kernel);
  if (!down && !up) return;
  b.backend->freeze(down ? down->w : up->w);
  if (operands.result_as_filled([&] { b.backend->run(kernel); }) != ours)
    throw Error(Exit::device, row.kernel + " " + row.what + ": other bits with frozen weights");
}

Row bench_case(Bench& b, const Case& c) {
  Operands operands(*b.backend, c);
  const Kernel kernel = c.build(operands.views());
  Row row{.kernel = c.kernel, .what = c.what, .batch = c.batch, .flops = c.flops, .bytes = c.bytes};
  row.convolution = c.kernel.rfind("Conv", 0) == 0 && c.products;
  row.body = is_body(kernel);
  const std::vector<float> ours = operands.result([&] { b.backend->run(kernel); });
  compare_portable(b, kernel, operands, ours, row);
  freeze_weights(b, kernel, operands, ours, row);

  std::vector<Contender> contenders{{"Snag", [&] { b.backend->run(kernel); }}};
  if (const Peer peer = peer_of(b, kernel); peer.run.call) {
    peer.run.call();
    row.peer = peer.run.name;
    row.peer_error = normalised_error(peer.result(), ours);
    require_equal(row, peer.run.name, *row.peer_error);
    contenders.push_back(peer.run);
  }
  const std::vector<Timed> timed = in_turn(contenders, b.effort);
  row.ours = timed[0];
  if (timed.size() > 1) row.theirs = timed[1];
  return row;
}

bool chosen(const Case& c, const std::vector<std::string>& only) {
  const std::string name = c.kernel + " " + c.what;
  const auto in_name = [&](const std::string& part) { return name.find(part) != std::string::npos; };
  return only.empty() || std::any_of(only.begin(), only.end(), in_name);
}

std::vector<Case> chosen_cases(const Options& o) {
  std::vector<Case> all;
  for (const int batch : o.batches)
    for (Case& c : model_cases(batch, o.width))
      if (chosen(c, o.only)) all.push_back(std::move(c));
  if (all.empty()) throw Error(Exit::usage, "--only: no kernel's name and size contain " + o.only.front());
  return all;
}

int run(Options o) {
  if (o.threads == 0) o.threads = usable_cores();
  const std::vector<Case> cases = chosen_cases(o);
  Bench b(o);
  set_blas_threads(o.threads);
  ThreadPool pool(o.threads);
  Machine m{.cpu = cpu_name(),
            .backend = b.backend->name(),
            .onednn = o.no_peers ? "oneDNN not asked for" : OneDnn::version(),
            .blas = o.no_peers ? "OpenBLAS not asked for" : blas_version(),
            .threads = o.threads,
            .width = o.width,
            .before = measured_ceilings(pool)};
  Progress progress(ProgressOutput::standard(false), "kernels", "cases", static_cast<std::int64_t>(cases.size()));
  std::vector<Row> rows;
  for (const Case& c : cases) {
    progress.update(static_cast<std::int64_t>(rows.size()), c.kernel + " " + c.what);
    rows.push_back(bench_case(b, c));
  }
  progress.finish();
  m.after = measured_ceilings(pool);
  print_report(m, rows);
  if (!o.json.empty()) write_file(o.json, to_json(m, rows).dump(1) + "\n");
  return 0;
}

// False where only help was asked for.
bool parse(int argc, char** argv, Options& o) {
  CLI::App app{"Times each CPU kernel at the model's sizes beside oneDNN, OpenBLAS and its portable form."};
  app.add_option("--batch", o.batches, "0: what does not depend on the batch")
      ->delimiter(',')
      ->check(CLI::Range(0, 1 << 16))
      ->capture_default_str();
  app.add_option("--width", o.width)->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--threads", o.threads, "of Snag and of the peers; 0: all cores")
      ->check(CLI::Range(0, 1 << 16))
      ->capture_default_str();
  app.add_option("--only", o.only,
                 "kernels whose name and size contain this, as in \"ConvUp 64-128\"; may be given again");
  app.add_option("--repeats", o.effort.repeats)->check(CLI::Range(1, 1 << 16))->capture_default_str();
  app.add_option("--least-us", o.effort.least_us, "a repeat is so many calls that it takes this long")
      ->check(CLI::Range(0, 1 << 16))
      ->capture_default_str();
  app.add_option_function<double>(
         "--patience", [&](double seconds) { o.effort.patience = std::chrono::duration<double>(seconds); },
         "seconds to wait in all until other processes leave the cores alone")
      ->check(CLI::Range(0, 3600))
      ->default_str("30");
  app.add_flag("--no-peers", o.no_peers, "only Snag");
  app.add_flag("--no-portable", o.no_portable, "without the portable forms");
  app.add_option("--json", o.json, "also write everything to this file");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    app.exit(e);
    return false;
  } catch (const CLI::ParseError& e) {
    throw Error(Exit::usage, std::string(e.what()) + "; see cpu_kernel_bench --help");
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) try {
  Options o;
  return parse(argc, argv, o) ? run(o) : 0;
} catch (const snag::Error& e) {
  std::fprintf(stderr, "cpu_kernel_bench: %s\n", e.what());
  return static_cast<int>(e.code());
}
