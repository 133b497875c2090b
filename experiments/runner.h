#pragma once
#include <csignal>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "experiments/plan.h"

namespace snag {

// The folder of a plan:
//   runs/NAME/     the run folders (models/run_folder.h)
//   claims/        who works on what (experiments/claims.h)
//   failed/NAME    one line: why the run failed
//   results.csv results.md results.html

struct RunnerOptions {
  std::string folder;
  int jobs = 1;          // runs at once, each a process of its own
  bool retry = false;    // run again what failed before
  double patience = 60;  // seconds without a heartbeat after which a worker's claims are taken over
  bool quiet = false;
  std::string worker = "";  // put before each line of progress, where several workers share a terminal
};

struct Failure {
  std::string run, reason;
};

struct PlanResult {
  bool complete = false;  // every run is finished or has failed; false: stopped
  std::vector<Failure> failures;
};

std::string run_folder(const std::string& plan_folder, const PlannedRun&);

// Runs what is neither finished nor failed, continues what was interrupted, and leaves alone what another process that
// shares the folder has claimed; then waits for those, taking over the claims of any that dies. A run that fails, by an
// error or a crash, is noted and the next one begins. When `stop` becomes a signal's number the running ones save their
// state and all claims are released.
// Throws Error{Exit::usage} where the folder holds a run of that name with other settings, Error{Exit::io}.
PlanResult run_plan(std::span<const PlannedRun>, const RunnerOptions&, const volatile std::sig_atomic_t& stop);

}  // namespace snag
