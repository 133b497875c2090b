#include "experiments/plan.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "data/images.h"

namespace snag {
namespace {

Config defaults_of(const std::string& model) {
  Config config;
  config.model = model;
  set_defaults(config);
  return config;
}

bool holds_out(const Config& config, int label) {
  return std::find(config.hold_out.begin(), config.hold_out.end(), label) != config.hold_out.end();
}

void check_names(const Plan& plan) {
  std::set<std::string> seen;
  for (const Variant& v : plan.variants) {
    const bool good = !v.name.empty() && v.name.front() != '.' &&
                      std::all_of(v.name.begin(), v.name.end(),
                                  [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '_' || c == '-'; });
    if (!good)
      throw Error(Exit::usage, "a variant is named " + in_quotes(v.name) +
                                   ": use letters, digits, '.', '_' and '-', as it names a folder");
    if (!seen.insert(v.name).second)
      throw Error(Exit::usage, "two variants are named " + v.name + ": give each a name of its own");
  }
}

}  // namespace

std::vector<int> classes_named(const std::string& text) {
  std::vector<int> classes;
  if (text == "all") {
    for (int label = 0; label < class_count; ++label) classes.push_back(label);
    return classes;
  }
  std::istringstream words(text + ",");
  for (std::string word; std::getline(words, word, ',');) {
    if (word.size() != 1 || word[0] < '0' || word[0] > '9')
      throw Error(Exit::usage, "--normal-class has " + in_quotes(word) + ": give all, or a list of 0 to 9");
    if (std::find(classes.begin(), classes.end(), word[0] - '0') != classes.end())
      throw Error(Exit::usage, "--normal-class names class " + word + " twice: name it once");
    classes.push_back(word[0] - '0');
  }
  return classes;
}

Plan plan_of_models(const std::vector<std::string>& models, const Overrides& overrides) {
  Plan plan;
  for (const std::string& model : models) {
    plan.variants.push_back({model, defaults_of(model)});
    overrides(plan.variants.back().config);
  }
  return plan;
}

Plan plan_of_configs(const std::vector<std::string>& paths, const Overrides& overrides) {
  Plan plan;
  for (const std::string& path : paths) {
    Config named;
    read_config(named, path);
    Config config = defaults_of(named.model);
    read_config(config, path);
    overrides(config);
    plan.variants.push_back({std::filesystem::path(path).stem().string(), config});
  }
  return plan;
}

Plan plan_of_study(const std::string& path, const Overrides& overrides) {
  const Json study = parse_json(read_file(path), path, Exit::usage);
  reject_unknown_keys(study, {"title", "about", "model", "settings", "variants"});
  Plan plan{.title = get_string(study, "title"), .about = get_string(study, "about"), .variants = {}, .classes = {}};
  const Json variants = get_object(study, "variants");
  // Json sorts its keys; the table is to keep the order of the file.
  const auto in_order = nlohmann::ordered_json::parse(read_file(path));
  for (const auto& item : in_order["variants"].items()) {
    const Json settings = get_object(variants, item.key());
    Config config = defaults_of(get_string(has(settings, "model") ? settings : study, "model"));
    if (has(study, "settings")) read_config(config, get_object(study, "settings"));
    overrides(config);
    read_config(config, settings);
    plan.variants.push_back({item.key(), config});
  }
  if (plan.variants.empty()) throw Error(Exit::usage, path + ": the study has no variants");
  return plan;
}

std::vector<PlannedRun> runs_of(const Plan& plan) {
  check_names(plan);
  std::vector<PlannedRun> runs;
  for (int seed = 0; seed < plan.seeds; ++seed)
    for (const int label : plan.classes)
      for (std::size_t v = 0; v < plan.variants.size(); ++v) {
        const Variant& variant = plan.variants[v];
        if (holds_out(variant.config, label)) continue;
        PlannedRun run{variant.name + "-c" + std::to_string(label) + "-s" + std::to_string(seed), v, label,
                       static_cast<std::uint64_t>(seed), variant.config};
        run.config.normal_class = {label};
        run.config.seed = run.seed;
        try {
          check(run.config);
        } catch (const Error& e) {
          throw Error(e.code(), "variant " + variant.name + ": " + e.what());
        }
        runs.push_back(std::move(run));
      }
  if (runs.empty()) throw Error(Exit::usage, "nothing to run: every variant holds out the normal classes");
  return runs;
}

std::string changed_settings(const Config& config) {
  const auto values = nlohmann::json::parse(config_text(config)),
             defaults = nlohmann::json::parse(config_text(defaults_of(config.model)));
  std::string text;
  for (const Setting& s : settings()) {
    const std::string name = s.name;
    if (!s.saved || free_on_resume(name) || name == "normal_class" || name == "seed" || name == "sample_every")
      continue;
    if (values[name] == defaults[name]) continue;
    const auto& value = values[name];
    text += (text.empty() ? "" : " ") + name + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text.empty() ? "defaults" : text;
}

}  // namespace snag
