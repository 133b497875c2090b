#pragma once
#include <CLI/CLI.hpp>
#include <csignal>
#include <functional>

namespace snag {

// Parses the arguments; what is wrong with them is an Error{Exit::usage}, which suggests the nearest flag for an
// unknown one. Adds --completion and --man, which follow from the other options; these, --help and --version print,
// then throw CLI::Success.
void parse(CLI::App&, int argc, char** argv);

// From now on the first SIGINT or SIGTERM asks for an orderly stop: what this refers to becomes its number. A second
// one kills.
const volatile std::sig_atomic_t& stop_on_signals();

// Runs a program: whatever it throws becomes one line on standard error and the exit code (base/error.h).
int run_program(const char* name, const std::function<int()>& body);

}  // namespace snag
