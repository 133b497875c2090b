#pragma once
#include <csignal>

#include "models/config.h"

namespace snag {

// One run of train_gan: data, training or fitting, scores of the whole test file, and the run folder that holds it all
// (models/run_folder.h). `stop` becomes a signal's number when the run should end early: the step in progress is
// finished and the state saved. Returns the exit code, 0 or 128 + signal. Throws Error.
int run(const Config&, const volatile std::sig_atomic_t& stop);

}  // namespace snag
