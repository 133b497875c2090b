#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "data/images.h"
#include "experiments/results_page.h"
#include "experiments/runner.h"
#include "experiments/tables.h"
#include "tests/error_of.h"
#include "tests/temp_folder.h"

namespace snag {
namespace {

// A plan of one trained system and one that is none, on two classes from two seeds, with finished runs to order.
struct Fixture {
  Fixture() : plan(plan_of_models({"dual_gan", "knn"}, [](Config&) {})) {
    plan.title = "Title <1>";
    plan.about = "About.";
    plan.classes = {0, 6};
    plan.seeds = 2;
    runs = runs_of(plan);
  }

  void finish(const PlannedRun& run, double auroc) {
    const std::string to = run_folder(folder.path(), run);
    std::filesystem::create_directories(to);
    nlohmann::json per_class;
    for (int label = 0; label < class_count; ++label)
      if (label != run.normal_class) per_class[std::to_string(label)] = auroc - 0.01 * label;
    const nlohmann::json summary{{"auroc", auroc},           {"average_precision", 0.9}, {"best_f1", 0.8},
                                 {"best_balanced_accuracy", 0.7}, {"validation_auroc", 0.6},  {"auroc_per_class", per_class},
                                 {"seconds", 12.5}};
    write_file(to + "/summary.json", summary.dump());
    write_file(to + "/config.json", config_text(run.config));
    write_file(to + "/environment.json", "{}");
    // An anomaly above all, then a normal image, then an anomaly, then a normal one: up, right, up, right.
    write_file(to + "/scores.csv", "index,label,anomaly,score\n0,1,1,4\n1,0,0,3\n2,1,1,2\n3,0,0,1\n");
    if (run.variant == 0)
      write_file(to + "/metrics.csv",
                 "epoch,step,learning_rate,images_per_second,generator,validation_auroc\n"
                 "1,5,1,9,9,\n1,10,1,9,4,0.75\n2,20,1,9,1,0.85\n");
  }

  std::string page(const std::string& name) {
    write_results(plan, runs, folder.path(), "run_experiments --seeds 2");
    return read_file(folder / name);
  }

  TempFolder folder;
  Plan plan;
  std::vector<PlannedRun> runs;
};

void check_holds(const std::string& text, std::initializer_list<std::string> parts) {
  for (const std::string& part : parts) CHECK_MESSAGE(text.find(part) != std::string::npos, part << " in\n" << text);
}

// Both seeds of class 0 at 0.9 and 0.92, of class 6 at 0.8 and 0.84: means 0.85 and 0.88 over classes. Student's t of
// two values is 12.7062 times half their distance.
TEST_CASE("tables give means with intervals over seeds, per class and over classes") {
  Fixture f;
  for (const PlannedRun& run : f.runs)
    f.finish(run, (run.normal_class == 0 ? 0.9 : 0.8) + double(run.seed) * (run.normal_class == 0 ? 0.02 : 0.04) -
                      double(run.variant) * 0.1);
  const std::string text = f.page("results.md");
  check_holds(text, {"# Title <1>", "About.", "    run_experiments --seeds 2", "8 of 8 runs", "seeds 0 to 1",
                     "| dual_gan | 0.8650 ± 0.1906 |  | 0.8200 (6) | 0.6000 ± 0.0000 | 0.9000 ± 0.0000 |",
                     "| knn | 0.7650 ± 0.1906 | −0.1000 | 0.7200 (6) |",
                     "| dual_gan | 0.9100 ± 0.1271 | 0.8200 ± 0.2541 |", "| dual_gan | dual_gan | defaults |"});
}

TEST_CASE("results.csv has a row for each finished run, in the order of the plan") {
  Fixture f;
  f.finish(f.runs[1], 0.5);
  f.finish(f.runs[0], 0.75);
  CHECK(f.page("results.csv") ==
        "model,class,seed,auroc,average_precision,best_f1,balanced_accuracy,auroc_vs_0,auroc_vs_1,auroc_vs_2,"
        "auroc_vs_3,auroc_vs_4,auroc_vs_5,auroc_vs_6,auroc_vs_7,auroc_vs_8,auroc_vs_9,seconds,config\n"
        "dual_gan,0,0,0.75,0.9,0.8,0.7,,0.74,0.73,0.72,0.71,0.7,0.69,0.68,0.67,0.66,12.5,\"defaults\"\n"
        "knn,0,0,0.5,0.9,0.8,0.7,,0.49,0.48,0.47,0.46,0.45,0.44,0.43,0.42,0.41,12.5,\"defaults\"\n");
}

TEST_CASE("a mean over classes is of whole seeds only, and of one seed it has no interval") {
  Fixture f;
  for (std::size_t i = 0; i < f.runs.size(); ++i)
    if (f.runs[i].name != "knn-c6-s1" && f.runs[i].name != "dual_gan-c0-s0" && f.runs[i].name != "dual_gan-c6-s1")
      f.finish(f.runs[i], 0.75);
  const std::string text = f.page("results.md");
  check_holds(text, {"5 of 8 runs", "| dual_gan | – |  | 0.7500 (0) |", "| knn | 0.7500 |  | 0.7500 (0) |"});
}

TEST_CASE("the page has the tables and the figures, and needs nothing else") {
  Fixture f;
  for (const PlannedRun& run : f.runs) f.finish(run, 0.9 + 0.01 * double(run.seed));
  const std::string page = f.page("results.html");
  check_holds(page, {"Title &lt;1&gt;", "Means over the normal classes", "Mean over classes and seeds",
                     "Normal: 6 Shirt", "AUROC of knn, normal class by anomaly class", "class=\"whisker\"",
                     "dual_gan 0.8500",    // validation AUROC of the last epoch
                     "dual_gan 0.2500"});  // its loss over that of the first epoch
  CHECK(page.find("knn 0.8500") == std::string::npos);
  for (const char* outside : {"http:", "https:", "<script", "src=", "url("})
    CHECK_MESSAGE(page.find(outside) == std::string::npos, outside);
}

TEST_CASE("a summary that no run wrote is refused by its name") {
  Fixture f;
  f.finish(f.runs[0], 0.5);
  write_file(run_folder(f.folder.path(), f.runs[0]) + "/summary.json", R"({"auroc": 2})");
  check_error(error_of([&] { f.page("results.md"); }), Exit::data, {"dual_gan-c0-s0/summary.json", "auroc"});
}

TEST_CASE("a run that fails is noted with its reason, stays noted, and is run again when asked") {
  Fixture f;
  f.plan.classes = {0};
  f.plan.seeds = 1;
  f.runs = runs_of(f.plan);
  for (PlannedRun& run : f.runs) run.config.data = f.folder / "nowhere";
  f.finish(f.runs[1], 0.5);
  RunnerOptions options{.folder = f.folder.path(), .jobs = 2, .quiet = true};
  const volatile std::sig_atomic_t stop = 0;
  for (const bool retry : {false, false, true}) {
    options.retry = retry;
    const PlanResult result = run_plan(f.runs, options, stop);
    CHECK(result.complete);
    REQUIRE(result.failures.size() == 1);
    CHECK(result.failures[0].run == "dual_gan-c0-s0");
    check_holds(result.failures[0].reason, {"exit code 7", "nowhere"});
  }
  CHECK(std::filesystem::is_empty(f.folder / "claims"));
}

}  // namespace
}  // namespace snag
