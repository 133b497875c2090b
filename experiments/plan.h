#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/config.h"

namespace snag {

// A table to be filled: each variant (a system, or a system with one thing changed) with each class as the normal one,
// from several seeds.
struct Variant {
  std::string name;  // of letters, digits, '.', '_' and '-'; it names the folders of its runs
  Config config;
};

struct Plan {
  std::string title, about;
  std::vector<Variant> variants;
  std::vector<int> classes;
  int seeds = 1;  // 0 .. seeds - 1
};

struct PlannedRun {
  std::string name;  // VARIANT-cCLASS-sSEED
  std::size_t variant;
  int normal_class;
  std::uint64_t seed;
  Config config;  // out is left to the runner
};

// "all", or a list: "0,2,6". Throws Error{Exit::usage} for another text, or a class named twice.
std::vector<int> classes_named(const std::string& text);

// What the command line changes in a variant's settings.
using Overrides = std::function<void(Config&)>;

// One variant for each model, with its defaults.
Plan plan_of_models(const std::vector<std::string>& models, const Overrides&);
// One variant for each configuration file (configs/), named after it. Throws what read_config throws.
Plan plan_of_configs(const std::vector<std::string>& paths, const Overrides&);
// A study (configs/studies/): {"title", "about", "model", "settings": {...}, "variants": {NAME: {...}}}. A variant's
// settings override the command line's, which override the study's, which override the model's defaults. A variant may
// name a model of its own. Throws Error{Exit::usage} that names the file and the key.
Plan plan_of_study(const std::string& path, const Overrides&);

// In the order in which they are run: all variants of a class before the next class, all of a seed before the next
// seed. A variant that holds the class out has no run for it. Throws Error{Exit::usage} where a variant's settings do
// not go together, or its name cannot name a folder.
std::vector<PlannedRun> runs_of(const Plan&);

// "epochs=5 skip=false": the settings in which a configuration differs from its model's defaults, without those that
// do not change a result, and without class and seed. "defaults" where there are none.
std::string changed_settings(const Config&);

}  // namespace snag
