#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <map>
#include <new>
#include <set>

#include "base/error.h"
#include "models/run.h"
#include "models/run_folder.h"

namespace {

volatile std::sig_atomic_t stop_signal = 0;

// The first signal asks for an orderly stop; a second one kills.
extern "C" void ask_to_stop(int signal) {
  stop_signal = signal;
  std::signal(signal, SIG_DFL);
}

constexpr const char* kExamples = R"(Examples:
  train_gan                                     dual_gan, class 0 normal, the default recipe
  train_gan --model cnn --normal-class 6        the supervised baseline, shirts normal
  train_gan --preset kim2020 --out runs/paper   the settings of Kim et al. 2020
  train_gan --normal-class 0 --hold-out 6       shirts never seen in training
  train_gan --resume --out runs/paper           go on after Ctrl-C
  train_gan --config runs/paper/config.json --seed 1

Exit codes: 0 done, 2 usage or configuration, 3 bad data, 4 bad checkpoint, 5 diverged, 6 device or memory,
7 input/output, 130 or 143 interrupted with the state saved.)";

// Settings that may be given anew when a run is resumed: they do not change its result.
bool free_on_resume(const std::string& name) {
  return name == "out" || name == "data" || name == "threads" || name == "memory" || name == "device" ||
         name == "resume" || name == "quiet";
}

std::string flag_name(const snag::Setting& s) {
  std::string name = "--" + std::string(s.name);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

// Copies the settings that were given as flags.
void apply_flags(snag::Config& config, const snag::Config& given, const std::set<std::string>& flags) {
  for (const snag::Setting& s : snag::settings())
    if (flags.contains(s.name)) std::visit([&](auto field) { config.*field = given.*field; }, s.field);
}

// The configuration of the run in `given.out`; only what does not change its result may be given anew.
snag::Config resumed(const snag::Config& given, const std::set<std::string>& flags, bool other_source) {
  if (given.out.empty())
    throw snag::Error(snag::Exit::usage, "--resume needs --out, the folder of the run to go on with");
  if (other_source)
    throw snag::Error(snag::Exit::usage, "--resume takes the run's own config.json: drop --config and --preset");
  for (const std::string& name : flags)
    if (!free_on_resume(name))
      throw snag::Error(snag::Exit::usage,
                        "--resume goes on with the run's own settings: drop '" + name + "', or start a new run");
  snag::check_folder(given.out, true, false);
  snag::Config config;
  snag::read_config(config, given.out + "/config.json");
  return config;
}

// Defaults of the model, then the preset, then the file, then the flags: each overrides what stands before it.
snag::Config configure(int argc, char** argv) {
  snag::Config given;  // filled by the parser
  std::string preset, file;
  CLI::App app{
      "Trains a GAN anomaly detector, or a baseline, and scores the whole test file of a data set in IDX format."};
  app.footer(kExamples);
  app.set_version_flag("--version", SNAG_VERSION);
  app.add_option("--preset", preset, "settings to start from: students, kim2020 or fast");
  app.add_option("--config", file, "JSON file of settings, such as a run's config.json");
  std::map<std::string, CLI::Option*> options;
  for (const snag::Setting& s : snag::settings()) {
    const std::string flag = flag_name(s);
    options[s.name] = std::visit(
        [&](auto field) -> CLI::Option* {
          auto& value = given.*field;
          if constexpr (std::is_same_v<decltype(field), bool snag::Config::*>)
            return app.add_flag(flag + ",!--no-" + flag.substr(2), value, s.help);
          else
            return app.add_option(flag, value, s.help)
                ->capture_default_str()
                ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
        },
        s.field);
    if (std::holds_alternative<std::vector<int> snag::Config::*>(s.field))
      options[s.name]->delimiter(',')->multi_option_policy(CLI::MultiOptionPolicy::Throw);
    if (!s.choices.empty()) options[s.name]->type_name(CLI::detail::join(s.choices, "|"));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {  // --help, --version
    app.exit(e);
    throw;
  } catch (const CLI::ParseError& e) {
    throw snag::Error(snag::Exit::usage, std::string(e.what()) + "; see train_gan --help");
  }
  std::set<std::string> flags;
  for (const auto& [name, option] : options)
    if (option->count() > 0) flags.insert(name);

  snag::Config config;
  if (given.resume) {
    config = resumed(given, flags, !preset.empty() || !file.empty());
  } else {
    if (!file.empty()) snag::read_config(config, file);
    if (flags.contains("model")) config.model = given.model;
    const std::string model = config.model;
    config = {};
    config.model = model;
    snag::set_defaults(config);
    if (!preset.empty()) snag::set_preset(config, preset);
    if (!file.empty()) snag::read_config(config, file);
  }
  apply_flags(config, given, flags);
  return config;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::signal(SIGINT, ask_to_stop);
    std::signal(SIGTERM, ask_to_stop);
    std::signal(SIGPIPE, SIG_IGN);  // a closed pipe or a full quota is an error to report, not a death
    std::signal(SIGXFSZ, SIG_IGN);
    return snag::run(configure(argc, argv), stop_signal);
  } catch (const CLI::Success&) {
    return 0;
  } catch (const snag::Error& e) {
    std::fprintf(stderr, "train_gan: %s\n", e.what());
    return static_cast<int>(e.code());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "train_gan: out of memory: choose a smaller --batch-size or --width\n");
    return static_cast<int>(snag::Exit::device);
  }
}
