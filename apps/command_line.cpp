#include "apps/command_line.h"

#include <cstdio>
#include <new>

#include "apps/option_tree.h"
#include "base/error.h"
#include "base/nearest.h"

namespace snag {
namespace {

volatile std::sig_atomic_t stop_signal = 0;

extern "C" void ask_to_stop(int signal) {
  stop_signal = signal;
  std::signal(signal, SIG_DFL);
}

}  // namespace

const volatile std::sig_atomic_t& stop_on_signals() {
  std::signal(SIGINT, ask_to_stop);
  std::signal(SIGTERM, ask_to_stop);
  return stop_signal;
}

void parse(CLI::App& app, int argc, char** argv) {
  const auto print = [](const std::string& text) {
    std::fputs(text.c_str(), stdout);
    throw CLI::Success();
  };
  app.add_option_function<std::string>(
         "--completion", [&](const std::string& shell) { print(completion(app, shell)); },
         "print a script that completes these options")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  app.add_flag_callback(
      "--man", [&] { print(manual_page(app, SNAG_VERSION)); }, "print the manual page");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    app.exit(e);
    throw;
  } catch (const CLI::ParseError& e) {
    std::string hint;
    for (const std::string& word : app.remaining())
      if (hint.empty() && word.starts_with("--")) hint = suggestion(word.substr(0, word.find('=')), flags_of(app));
    throw Error(Exit::usage, std::string(e.what()) + hint + "; see " + app.get_name() + " --help");
  }
}

int run_program(const char* name, const std::function<int()>& body) {
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
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", name, e.what());
    return static_cast<int>(Exit::io);
  }
}

}  // namespace snag
