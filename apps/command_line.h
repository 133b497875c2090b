#pragma once
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <new>

#include "base/error.h"

namespace snag {

// Parses the arguments; what is wrong with them is an Error{Exit::usage}. --help and --version print, then throw
// CLI::Success.
inline void parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    app.exit(e);
    throw;
  } catch (const CLI::ParseError& e) {
    throw Error(Exit::usage, std::string(e.what()) + "; see " + app.get_name() + " --help");
  }
}

// Runs a program: whatever it throws becomes one line on standard error and the exit code (base/error.h).
template <class Body>
int run_program(const char* name, Body body) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe or a full quota is an error to report, not a death
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return body();
  } catch (const CLI::Success&) {
    return 0;
  } catch (const Error& e) {
    std::fprintf(stderr, "%s: %s\n", name, e.what());
    return static_cast<int>(e.code());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "%s: out of memory: choose a smaller --batch-size or --width\n", name);
    return static_cast<int>(Exit::device);
  }
}

}  // namespace snag
