#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/cases.h"
#include "bench/cpu/ceilings.h"
#include "bench/cpu/timing.h"

namespace snag::bench {

// What one case took.
struct Row {
  std::string kernel, what;
  int batch = 0;
  bool convolution = false, body = false;  // body: a convolution with more than one channel on both sides
  double flops = 0, bytes = 0;
  Timed ours = {};
  std::optional<double> portable_us = {}, portable_error = {};  // normalised mean squared errors of ours
  std::string peer = {};
  std::optional<Timed> theirs = {};
  std::optional<double> peer_error = {};

  std::optional<double> ratio() const { return theirs ? std::optional(theirs->us / ours.us) : std::nullopt; }
};

// The machine and its ceilings, measured before and after the rows; figures stand beside the larger.
struct Machine {
  std::string cpu, backend, onednn, blas;
  int threads = 1, width = 64;
  Ceilings before, after = {};

  Ceilings most() const;
};

std::string cpu_name();

// Markdown on standard output: the machine, one table row a case, and the summary.
void print_report(const Machine&, const std::vector<Row>&);

nlohmann::ordered_json to_json(const Machine&, const std::vector<Row>&);

}  // namespace snag::bench
