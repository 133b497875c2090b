#pragma once
#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "models/config.h"

namespace snag {

// The settings of a run as flags of a program: one for each, but those in `without`.
class SettingFlags {
 public:
  explicit SettingFlags(CLI::App& app, const std::set<std::string>& without = {}) {
    for (const Setting& s : settings())
      if (!without.contains(s.name)) options_[s.name] = add(app, s);
  }
  SettingFlags(const SettingFlags&) = delete;
  SettingFlags& operator=(const SettingFlags&) = delete;

  const Config& values() const { return values_; }

  // The settings that the command line named.
  std::set<std::string> named() const {
    std::set<std::string> names;
    for (const auto& [name, option] : options_)
      if (option->count() > 0) names.insert(name);
    return names;
  }

  // Copies them.
  void apply(Config& config) const {
    const std::set<std::string> names = named();
    for (const Setting& s : settings())
      if (names.contains(s.name)) std::visit([&](auto field) { config.*field = values_.*field; }, s.field);
  }

 private:
  CLI::Option* add(CLI::App& app, const Setting& s) {
    std::string flag = "--" + std::string(s.name);
    std::replace(flag.begin(), flag.end(), '_', '-');
    CLI::Option* option = std::visit(
        [&](auto field) -> CLI::Option* {
          auto& value = values_.*field;
          if constexpr (std::is_same_v<decltype(field), bool Config::*>)
            return app.add_flag(flag + ",!--no-" + flag.substr(2), value, s.help);
          else
            return app.add_option(flag, value, s.help)
                ->capture_default_str()
                ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
        },
        s.field);
    if (std::holds_alternative<std::vector<int> Config::*>(s.field))
      option->delimiter(',')->multi_option_policy(CLI::MultiOptionPolicy::Throw);
    const std::string name = s.name;
    if (name == "data" || name == "out") option->type_name("DIR");
    if (!s.choices.empty()) option->type_name(CLI::detail::join(s.choices, "|"));
    return option;
  }

  Config values_;  // filled by the parser
  std::map<std::string, CLI::Option*> options_;
};

}  // namespace snag
