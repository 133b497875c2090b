#include <cstdio>
#include <cstdlib>
#include <thread>

#include "apps/command_line.h"
#include "apps/setting_flags.h"
#include "base/error.h"
#include "experiments/results_page.h"
#include "experiments/runner.h"

namespace {

constexpr const char* kExamples = R"(Examples:
  run_experiments --model dual_gan,cnn --seeds 5             ten classes, five seeds, two systems
  run_experiments --config configs/gan.json,my.json          systems as configuration files
  run_experiments --study configs/studies/augmentation.json --normal-class 0,2,6
  mpirun -n 4 run_experiments --threads 8                    four runs at once; or start it by hand on machines that
                                                             share --out
Started again, it skips what is finished and continues what was interrupted.

Exit codes: those of train_gan, and 8: some runs failed, the others are done.)";

struct Arguments {
  std::vector<std::string> models, configs;
  std::string study, classes = "all", out = "runs/experiments";
  int seeds = 1;
  snag::RunnerOptions runner;
};

snag::Plan plan_of(const Arguments& a, const snag::Overrides& overrides) {
  if (int(!a.study.empty()) + int(!a.configs.empty()) + int(!a.models.empty()) > 1)
    throw snag::Error(snag::Exit::usage, "give one of --model, --config and --study");
  snag::Plan plan;
  if (!a.study.empty())
    plan = snag::plan_of_study(a.study, overrides);
  else if (!a.configs.empty())
    plan = snag::plan_of_configs(a.configs, overrides);
  else if (!a.models.empty())
    plan = snag::plan_of_models(a.models, overrides);
  else
    plan = snag::plan_of_models({snag::model_names().begin(), snag::model_names().end()}, overrides);
  if (plan.title.empty()) {
    plan.title = "Systems";
    plan.about = "One class of the data set is normal, all others are anomalies.";
  }
  plan.classes = snag::classes_named(a.classes);
  plan.seeds = a.seeds;
  return plan;
}

// Open MPI tells each process its rank; no more of MPI is needed, as the plan's folder is what they share.
std::string rank() {
  const char* const rank = std::getenv("OMPI_COMM_WORLD_RANK");
  return rank == nullptr ? "" : rank;
}

int run_experiments(int argc, char** argv) {
  Arguments a;
  CLI::App app{"Runs a plan of many runs of train_gan, and makes its tables.", "run_experiments"};
  app.footer(kExamples);
  app.set_version_flag("--version", SNAG_VERSION);
  app.add_option("--model", a.models, "systems to compare, a list; without --model, --config and --study: all")
      ->delimiter(',');
  app.add_option("--config", a.configs, "systems as JSON files of settings, a list")->delimiter(',');
  app.add_option("--study", a.study, "variants of a system, a file such as those in configs/studies");
  app.add_option("--normal-class", a.classes, "classes that are normal in turn: all, or a list")->capture_default_str();
  app.add_option("--seeds", a.seeds, "how many seeds, from 0")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--out", a.out, "the plan's folder")->capture_default_str();
  app.add_option("--jobs", a.runner.jobs, "runs at once")->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--patience", a.runner.patience, "seconds without a sign of life after which a run is taken over")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  app.add_flag("--retry", a.runner.retry, "run again what failed before");
  app.add_flag("--quiet", a.runner.quiet, "no progress, only errors");
  const snag::SettingFlags settings(
      app, {"model", "normal_class", "hold_out", "seed", "out", "resume", "overwrite", "quiet"});
  snag::parse(app, argc, argv);

  const volatile std::sig_atomic_t& stop_signal = snag::stop_on_signals();
  snag::Plan plan = plan_of(a, [&](snag::Config& config) {
    settings.apply(config);
    if (config.threads == 0 && a.runner.jobs > 1)
      config.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / a.runner.jobs);
  });
  const std::vector<snag::PlannedRun> runs = snag::runs_of(plan);
  a.runner.folder = a.out;
  const std::string own_rank = rank();
  if (!own_rank.empty()) a.runner.worker = "rank " + own_rank + ": ";
  const snag::PlanResult result = snag::run_plan(runs, a.runner, stop_signal);
  if (!result.complete) {
    std::fprintf(stderr, "interrupted: the same command goes on\n");
    return 128 + stop_signal;
  }
  if (own_rank.empty() || own_rank == "0") {
    std::string command = "run_experiments";
    for (int i = 1; i < argc; ++i) command += std::string(" ") + argv[i];
    snag::write_results(plan, runs, a.out, command);
    if (!a.runner.quiet)
      std::printf("%s/results.html\n%s/results.md\n%s/results.csv\n", a.out.c_str(), a.out.c_str(), a.out.c_str());
    for (const snag::Failure& f : result.failures)
      std::fprintf(stderr, "run_experiments: %s failed: %s\n", f.run.c_str(), f.reason.c_str());
    if (!result.failures.empty())
      std::fprintf(stderr, "run_experiments: %zu of %zu runs failed: run them again with --retry\n",
                   result.failures.size(), runs.size());
  }
  return result.failures.empty() ? 0 : static_cast<int>(snag::Exit::runs_failed);
}

}  // namespace

int main(int argc, char** argv) {
  return snag::run_program("run_experiments", [&] { return run_experiments(argc, argv); });
}
