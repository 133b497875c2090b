#include <cstdio>
#include <set>

#include "apps/command_line.h"
#include "apps/doctor.h"
#include "apps/setting_flags.h"
#include "models/comparison.h"
#include "models/run.h"
#include "models/run_folder.h"

namespace {

constexpr const char* kExamples = R"(Examples:
  train_gan                                     dual_gan, class 0 normal, the default recipe
  train_gan --model cnn --normal-class 6        the supervised baseline, shirts normal
  train_gan --preset kim2020 --out runs/paper   the settings of Kim et al. 2020
  train_gan --normal-class 0 --hold-out 6       shirts never seen in training
  train_gan --resume --out runs/paper           go on after Ctrl-C
  train_gan --config runs/paper/config.json --seed 1
  train_gan --compare runs/a runs/b             two finished runs side by side: compare.html
  train_gan doctor                              what this machine has, and a self-test

Exit codes: 0 done, 2 usage or configuration, 3 bad data, 4 bad checkpoint, 5 diverged, 6 device or memory,
7 input/output, 130 or 143 interrupted with the state saved.)";

// The configuration of the run in `given.out`; only what does not change its result may be given anew.
snag::Config resumed(const snag::Config& given, const std::set<std::string>& flags, bool other_source) {
  if (given.out.empty())
    throw snag::Error(snag::Exit::usage, "--resume needs --out, the folder of the run to go on with");
  if (other_source)
    throw snag::Error(snag::Exit::usage, "--resume takes the run's own config.json: drop --config and --preset");
  for (const std::string& name : flags)
    if (!snag::free_on_resume(name))
      throw snag::Error(snag::Exit::usage,
                        "--resume goes on with the run's own settings: drop '" + name + "', or start a new run");
  snag::check_folder(given.out, true, false);
  snag::Config config;
  snag::read_config(config, given.out + "/config.json");
  return config;
}

// Defaults of the model, then the preset, then the file, then the flags: each overrides what stands before it.
snag::Config configure(const snag::SettingFlags& settings, const std::string& preset, const std::string& file) {
  const snag::Config& given = settings.values();
  const std::set<std::string> flags = settings.named();
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
  settings.apply(config);
  return config;
}

int compare(const std::vector<std::string>& runs, const snag::SettingFlags& settings) {
  for (const std::string& name : settings.named())
    if (name != "out")
      throw snag::Error(snag::Exit::usage, "--compare trains nothing: drop '" + name + "', or say --out FILE alone");
  const std::string& out = settings.values().out;
  const std::string path = out.empty() ? "compare.html" : out;
  snag::write_comparison(runs, path);
  std::printf("%s\n", path.c_str());
  return 0;
}

int train_gan(int argc, char** argv) {
  std::string preset, file;
  std::vector<std::string> runs;
  CLI::App app{
      "Trains a GAN anomaly detector, or a baseline, and scores the test images of a data set: IDX files, or folders "
      "of PNG and JPEG images.",
      "train_gan"};
  app.footer(kExamples);
  app.set_version_flag("--version", SNAG_VERSION);
  app.add_option("--preset", preset, "settings to start from: students, kim2020 or fast")
      ->type_name("students|kim2020|fast");
  app.add_option("--config", file, "JSON file of settings, such as a run's config.json")->type_name("FILE");
  app.add_option("--compare", runs, "train nothing: set finished runs side by side on one page, --out (compare.html)")
      ->type_name("RUN RUN ...");
  CLI::App* const check =
      app.add_subcommand("doctor", "says what this machine has, and tries it in five seconds")->fallthrough();
  const snag::SettingFlags settings(app);
  snag::parse(app, argc, argv);
  if (check->parsed()) return snag::doctor(settings.values().data);
  if (!runs.empty()) return compare(runs, settings);
  return snag::run(configure(settings, preset, file), snag::stop_on_signals());
}

}  // namespace

int main(int argc, char** argv) {
  return snag::run_program("train_gan", [&] { return train_gan(argc, argv); });
}
