#include "bench/cpu/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "bench/cpu/summary.h"

namespace snag::bench {
namespace {

using nlohmann::ordered_json;

std::string number(double x, const char* format) {
  char text[32];
  std::snprintf(text, sizeof text, format, x);
  return text;
}

std::string column(std::optional<double> x, const char* format) { return x ? number(*x, format) : "-"; }

// Seconds that the ceilings allow at least, and which of them it is.
struct Bound {
  double seconds;
  const char* of;
};
Bound bound(const Row& r, const Ceilings& c) {
  const double traffic = r.bytes / c.copy, arithmetic = r.flops / c.fma;
  return arithmetic > traffic ? Bound{arithmetic, "FLOP"} : Bound{traffic, "bytes"};
}

double percent_of_bound(const Row& r, const Ceilings& c) { return 100 * bound(r, c).seconds / (r.ours.us * 1e-6); }
double gigabytes(const Row& r) { return r.bytes / r.ours.us * 1e-3; }
std::optional<double> gigaflops(const Row& r) {
  return r.flops > 0 ? std::optional(r.flops / r.ours.us * 1e-3) : std::nullopt;
}

void print_ceilings(const char* when, const Ceilings& c) {
  std::printf("| %s | %.1f | %.1f | %.1f |\n", when, c.fma_thread * 1e-9, c.fma * 1e-9, c.copy * 1e-9);
}

void print_machine(const Machine& m) {
  std::printf("%s; %s, width %d; peers: %s, %s\n\n", m.cpu.c_str(), m.backend.c_str(), m.width, m.onednn.c_str(),
              m.blas.c_str());
  std::printf("| ceilings measured | FMA, 1 thread, GFLOP/s | FMA, %d threads, GFLOP/s | copy, GB/s |\n", m.threads);
  std::puts("| --- | --- | --- | --- |");
  print_ceilings("before", m.before);
  print_ceilings("after", m.after);
  std::puts(
      "\nMedian microseconds, and the interquartile range in per cent of it. The bound is the larger of least traffic "
      "over\ncopy bandwidth and nominal operations over FMA peak, padding counted; what stays in the caches may pass "
      "it. Ratio: the\npeer's time over ours. The weights of ConvDown and ConvUp are packed beforehand on both sides: "
      "frozen on ours.\n");
}

void print_row(const Row& r, const Ceilings& c) {
  const auto theirs = [&](double Timed::*what) { return r.theirs ? std::optional((*r.theirs).*what) : std::nullopt; };
  const auto peer_spread = theirs(&Timed::spread);
  std::printf("| %s | %s | %d | %.2f | %.0f | %.1f | %s | %s | %.0f | %s | %s | %s | %s | %s |\n", r.kernel.c_str(),
              r.what.c_str(), r.batch, r.ours.us, 100 * r.ours.spread, gigabytes(r),
              column(gigaflops(r), "%.1f").c_str(), bound(r, c).of, percent_of_bound(r, c),
              column(theirs(&Timed::us), "%.2f").c_str(),
              column(peer_spread ? std::optional(100 * *peer_spread) : std::nullopt, "%.0f").c_str(),
              column(r.ratio(), "%.2f").c_str(), column(r.portable_us, "%.0f").c_str(), r.peer.c_str());
}

std::set<int> batches(const std::vector<Row>& rows) {
  std::set<int> all;
  for (const Row& r : rows)
    if (r.batch > 0) all.insert(r.batch);
  return all;
}

// The share of repeats that were disturbed after all.
double disturbed(const std::vector<Row>& rows) {
  double bad = 0, all = 0;
  const auto count = [&](const Timed& t) { bad += t.disturbed, all += t.repeats; };
  for (const Row& r : rows) {
    count(r.ours);
    if (r.theirs) count(*r.theirs);
  }
  return all > 0 ? bad / all : 0;
}

void print_summary(const Machine& m, const std::vector<Row>& rows) {
  const double peak = m.most().fma;
  for (const int batch : batches(rows)) {
    if (const auto s = against_peer(rows, batch))
      std::printf("- convolution passes against oneDNN, batch %d: geometric mean %.2f, worst %.2f (%s), %d passes\n",
                  batch, s->mean, s->worst, s->at.c_str(), s->rows);
    if (const auto s = share_of_peak(rows, batch, peak))
      std::printf(
          "- body layers, nominal GFLOP/s over the FMA peak, batch %d: all together %.2f; geometric mean %.2f, "
          "worst %.2f (%s)\n",
          batch, total_share_of_peak(rows, batch, peak), s->mean, s->worst, s->at.c_str());
  }
  std::printf("- repeats during which other processes wanted a core: %.1f %%\n", 100 * disturbed(rows));
}

ordered_json optional_number(std::optional<double> x) { return x ? ordered_json(*x) : ordered_json(nullptr); }

ordered_json json_of(const Timed& t) {
  return {{"microseconds", t.us}, {"spread", t.spread}, {"repeats", t.repeats}, {"disturbed", t.disturbed}};
}

ordered_json json_of(const Ceilings& c) {
  return {{"fma_flops_per_second", c.fma}, {"fma_one_thread", c.fma_thread}, {"copy_bytes_per_second", c.copy}};
}

ordered_json json_of(const std::optional<Summary>& s) {
  if (!s) return nullptr;
  return {{"rows", s->rows}, {"geometric_mean", s->mean}, {"worst", s->worst}, {"worst_at", s->at}};
}

ordered_json json_of(const Row& r, const Ceilings& c) {
  return {{"kernel", r.kernel},
          {"at", r.what},
          {"batch", r.batch},
          {"bytes", r.bytes},
          {"flops", r.flops},
          {"snag", json_of(r.ours)},
          {"gigabytes_per_second", gigabytes(r)},
          {"gigaflops", optional_number(gigaflops(r))},
          {"bound", bound(r, c).of},
          {"percent_of_bound", percent_of_bound(r, c)},
          {"peer", r.peer},
          {"peer_time", r.theirs ? json_of(*r.theirs) : ordered_json(nullptr)},
          {"peer_error", optional_number(r.peer_error)},
          {"ratio", optional_number(r.ratio())},
          {"portable_microseconds", optional_number(r.portable_us)},
          {"portable_error", optional_number(r.portable_error)}};
}

ordered_json summary_of(const std::vector<Row>& rows, double peak) {
  ordered_json all = ordered_json::array();
  for (const int batch : batches(rows))
    all.push_back({{"batch", batch},
                   {"convolutions_against_onednn", json_of(against_peer(rows, batch))},
                   {"body_share_of_peak", json_of(share_of_peak(rows, batch, peak))},
                   {"body_total_share_of_peak", total_share_of_peak(rows, batch, peak)}});
  return all;
}

}  // namespace

Ceilings Machine::most() const {
  return {.fma = std::max(before.fma, after.fma),
          .fma_thread = std::max(before.fma_thread, after.fma_thread),
          .copy = std::max(before.copy, after.copy)};
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "a CPU without a name";
}

void print_report(const Machine& m, const std::vector<Row>& rows) {
  print_machine(m);
  std::puts(
      "| kernel | at | batch | us | +- % | GB/s | GFLOP/s | bound | % of it | peer us | +- % | ratio | portable us "
      "| peer |");
  std::puts("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const Row& r : rows) print_row(r, m.most());
  std::puts("");
  print_summary(m, rows);
}

ordered_json to_json(const Machine& m, const std::vector<Row>& rows) {
  ordered_json all{{"cpu", m.cpu},
                   {"backend", m.backend},
                   {"threads", m.threads},
                   {"width", m.width},
                   {"onednn", m.onednn},
                   {"openblas", m.blas},
                   {"ceilings_before", json_of(m.before)},
                   {"ceilings_after", json_of(m.after)},
                   {"summary", summary_of(rows, m.most().fma)},
                   {"rows", ordered_json::array()}};
  for (const Row& r : rows) all["rows"].push_back(json_of(r, m.most()));
  return all;
}

}  // namespace snag::bench
