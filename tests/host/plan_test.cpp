#include "experiments/plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/error_of.h"
#include "tests/temp_folder.h"

namespace snag {
namespace {

const Overrides nothing = [](Config&) {};

std::vector<std::string> names(const Plan& plan) {
  std::vector<std::string> list;
  for (const PlannedRun& run : runs_of(plan)) list.push_back(run.name);
  return list;
}

Plan study(const std::string& text, const Overrides& overrides = nothing) {
  const TempFolder folder;
  write_file(folder / "study.json", text);
  return plan_of_study(folder / "study.json", overrides);
}

TEST_CASE("runs go through variants, then classes, then seeds") {
  Plan plan = plan_of_models({"knn", "random"}, nothing);
  plan.classes = {3, 0};
  plan.seeds = 2;
  CHECK(names(plan) == std::vector<std::string>{"knn-c3-s0", "random-c3-s0", "knn-c0-s0", "random-c0-s0", "knn-c3-s1",
                                                "random-c3-s1", "knn-c0-s1", "random-c0-s1"});
  const PlannedRun last = runs_of(plan).back();
  CHECK(last.config.model == "random");
  CHECK(last.config.normal_class == std::vector<int>{0});
  CHECK(last.config.seed == 1);
}

TEST_CASE("classes are all, or a list without repetition") {
  CHECK(classes_named("all").size() == 10);
  CHECK(classes_named("6,0") == std::vector<int>{6, 0});
  for (const char* text : {"", "10", "a", "0,", "0,,1", "-1", "0 1"})
    check_error(error_of([&] { classes_named(text); }), Exit::usage, {"--normal-class has"});
  check_error(error_of([] { classes_named("3,0,3"); }), Exit::usage, {"class 3 twice"});
}

TEST_CASE("a variant overrides the command line, which overrides the study, which overrides the model's defaults") {
  const Plan plan = study(
      R"({"title": "t", "about": "a", "model": "cnn", "settings": {"epochs": 7, "lr": 0.5, "batch_size": 16},
          "variants": {"z": {}, "a": {"batch_size": 8}, "m": {"model": "gan"}}})",
      [](Config& c) { c.lr = 0.25, c.batch_size = 32; });
  REQUIRE(plan.variants.size() == 3);
  CHECK(plan.variants[0].name == "z");  // the order of the file
  const Config &z = plan.variants[0].config, &a = plan.variants[1].config, &m = plan.variants[2].config;
  CHECK(z.model == "cnn");
  CHECK(z.width == 32);  // cnn's default
  CHECK(z.epochs == 7);
  CHECK(z.lr == 0.25);
  CHECK(z.batch_size == 32);
  CHECK(a.batch_size == 8);
  CHECK(m.model == "gan");
  CHECK(m.distance == "l2");
}

TEST_CASE("a variant that holds the normal class out has no run for it") {
  Plan plan = study(R"({"title": "", "about": "", "model": "dual_gan",
                        "variants": {"seen": {}, "without-2": {"hold_out": [2]}}})");
  plan.classes = {2, 5};
  CHECK(names(plan) == std::vector<std::string>{"seen-c2-s0", "seen-c5-s0", "without-2-c5-s0"});
  plan.variants.erase(plan.variants.begin());
  plan.classes = {2};
  check_error(error_of([&] { runs_of(plan); }), Exit::usage, {"nothing to run"});
}

TEST_CASE("a study that is none is refused with its file and key") {
  const auto refused = [](const std::string& text, std::initializer_list<std::string_view> parts) {
    check_error(error_of([&] { study(text); }), Exit::usage, parts);
  };
  refused("[]", {"study.json"});
  refused(R"({"title": "t", "about": "a", "model": "cnn"})", {"study.json", "variants"});
  refused(R"({"title": "t", "about": "a", "model": "cnn", "variants": {}})", {"study.json", "no variants"});
  refused(R"({"title": "t", "about": "a", "model": "cnn", "variants": {"a": 1}})", {"study.json", "variants.a"});
  refused(R"({"title": "t", "about": "a", "model": "cnn", "variants": {"a": {"epoch": 1}}})", {"study.json", "epoch"});
  refused(R"({"title": "t", "about": "a", "model": "cnn", "variants": {"a": {"epochs": "1"}}})",
          {"study.json", "epochs"});
  refused(R"({"title": "t", "about": "a", "model": "net", "variants": {"a": {}}})", {"net", "dual_gan"});
  refused(R"({"title": "t", "about": "a", "model": "cnn", "more": 1, "variants": {"a": {}}})", {"study.json", "more"});
}

TEST_CASE("settings that do not go together name the variant; names that cannot name a folder are refused") {
  Plan plan = plan_of_models({"cnn"}, nothing);
  plan.classes = {0};
  plan.variants[0].config.batch_size = 7;
  check_error(error_of([&] { runs_of(plan); }), Exit::usage, {"variant cnn", "--batch-size is 7"});
  plan.variants[0].config.batch_size = 8;
  for (const char* name : {"", "..", ".hidden", "a/b", "a b", "é"}) {
    plan.variants[0].name = name;
    check_error(error_of([&] { runs_of(plan); }), Exit::usage, {"a variant is named"});
  }
  plan.variants[0].name = "same";
  plan.variants.push_back(plan.variants[0]);
  check_error(error_of([&] { runs_of(plan); }), Exit::usage, {"two variants are named same"});
}

TEST_CASE("changed settings are those that make a result differ from the model's") {
  Config c = plan_of_models({"cnn"}, nothing).variants[0].config;
  c.normal_class = {4};
  c.seed = 3;
  c.threads = 1;
  c.data = "elsewhere";
  CHECK(changed_settings(c) == "defaults");
  c.epochs = 5;
  c.augment = "none";
  c.hold_out = {6};
  CHECK(changed_settings(c) == "hold_out=[6] epochs=5 augment=none");
}

TEST_CASE("the studies that come with Snag can be planned") {
  for (const char* name :
       {"losses", "augmentation", "sampling", "held_out", "normal_only", "batch_size", "mse_only", "scores"}) {
    CAPTURE(name);
    Plan plan = plan_of_study(SNAG_SOURCE_DIR "/configs/studies/" + std::string(name) + ".json", nothing);
    plan.classes = {0, 2, 6};
    CHECK(runs_of(plan).size() >= 9);
    CHECK(!plan.about.empty());
  }
}

TEST_CASE("each configuration file that comes with Snag says what the model or the preset of its name does") {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SNAG_SOURCE_DIR "/configs")) {
    if (entry.path().extension() != ".json") continue;
    ++files;
    const std::string name = entry.path().stem().string();
    CAPTURE(name);
    const auto presets = preset_names();
    const bool preset = std::find(presets.begin(), presets.end(), name) != presets.end();
    Config expected;
    expected.model = preset ? "dual_gan" : name;
    set_defaults(expected);
    if (preset) set_preset(expected, name);
    Config file = expected;
    read_config(file, entry.path().string());
    CHECK(config_text(file) == config_text(expected));
    // It tells what sets the system apart from the recipe: only keys that do not matter to it are absent.
    Config alone;
    read_config(alone, entry.path().string());
    if (trains(file.model) && file.model != "cnn") {
      const auto a = nlohmann::json::parse(config_text(alone)), e = nlohmann::json::parse(config_text(expected));
      for (const char* key : {"model", "normal_only", "epochs", "batch_size", "lr", "width", "output_range", "distance",
                              "reconstruction_weight", "adversarial_normal_weight", "score", "augment", "schedule"})
        CHECK_MESSAGE(a[key] == e[key], key);
    }
  }
  CHECK(files == static_cast<int>(model_names().size()) + 2);  // students, kim2020
}

}  // namespace
}  // namespace snag
