#include "apps/option_tree.h"

#include <algorithm>
#include <sstream>

namespace snag {
namespace {

struct Entry {
  std::vector<std::string> flags;  // "--seed"
  std::string help, type;
  std::vector<std::string> choices;
  bool takes_value, takes_path;
  std::string preset;  // default value, or ""
};

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, at);) parts.push_back(part);
  return parts;
}

// What stands for the option's value, choices as a|b|c: CLI11 says those of a check as TEXT:{a,b,c}.
std::string value_name(const CLI::Option& o) {
  std::string name = o.get_type_name();
  if (const std::size_t at = name.find(":{"); at != std::string::npos) {
    name = name.substr(at + 2, name.find('}') - at - 2);
    std::replace(name.begin(), name.end(), ',', '|');
  }
  return name.substr(0, name.find(':'));
}

std::vector<Entry> entries(const CLI::App& app) {
  std::vector<Entry> all;
  for (const CLI::Option* o : app.get_options()) {
    Entry e{{}, o->get_description(), value_name(*o), {}, o->get_items_expected_max() > 0, false, o->get_default_str()};
    for (const std::string& name : o->get_lnames()) e.flags.push_back("--" + name);
    if (e.flags.empty()) continue;
    if (e.type.find('|') != std::string::npos) e.choices = split(e.type, '|');
    e.takes_path = e.type == "FILE" || e.type == "DIR" || e.type.starts_with("RUN");
    all.push_back(std::move(e));
  }
  return all;
}

std::string joined(const std::vector<std::string>& words) { return CLI::detail::join(words, " "); }

std::vector<std::string> commands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands(nullptr)) names.push_back(sub->get_name());
  return names;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

std::string bash(const CLI::App& app) {
  std::string cases;
  for (const Entry& e : entries(app)) {
    if (!e.takes_value) continue;
    cases += "    " + CLI::detail::join(e.flags, "|") + ") COMPREPLY=(" +
             (e.takes_path         ? "$(compgen -f -- \"$word\")"
              : !e.choices.empty() ? "$(compgen -W '" + joined(e.choices) + "' -- \"$word\")"
                                   : "") +
             "); return ;;\n";
  }
  std::vector<std::string> words = commands(app);
  const std::vector<std::string> flags = flags_of(app);
  words.insert(words.end(), flags.begin(), flags.end());
  const std::string name = app.get_name();
  return "_" + name + "() {\n  local word=${COMP_WORDS[COMP_CWORD]}\n  case ${COMP_WORDS[COMP_CWORD-1]} in\n" + cases +
         "  esac\n  COMPREPLY=($(compgen -W '" + joined(words) + "' -- \"$word\"))\n}\ncomplete -o filenames -F _" +
         name + " " + name + "\n";
}

std::string zsh(const CLI::App& app) {
  std::string specs;
  for (const Entry& e : entries(app)) {
    std::string help = replaced(replaced(e.help, "\\", "\\\\"), "'", "'\\''");
    help = replaced(replaced(replaced(help, "[", "\\["), "]", "\\]"), ":", "\\:");
    for (const std::string& flag : e.flags)
      specs += " \\\n    '*" + flag + "[" + help + "]" +
               (!e.takes_value       ? ""
                : e.takes_path       ? ":path:_files"
                : !e.choices.empty() ? ":value:(" + joined(e.choices) + ")"
                                     : ":value: ") +
               "'";
  }
  if (const auto names = commands(app); !names.empty()) specs += " \\\n    '1:command:(" + joined(names) + ")'";
  const std::string name = app.get_name();
  return "#compdef " + name + "\n_" + name + "() {\n  _arguments" + specs + "\n}\nif [ \"$funcstack[1]\" = _" + name +
         " ]; then _" + name + " \"$@\"; else compdef _" + name + " " + name + "; fi\n";
}

std::string fish(const CLI::App& app) {
  const std::string start = "complete -c " + app.get_name();
  std::string text;
  for (const std::string& name : commands(app)) text += start + " -n __fish_use_subcommand -a " + name + "\n";
  for (const Entry& e : entries(app))
    for (const std::string& flag : e.flags)
      text += start + " -l " + flag.substr(2) + " -d '" + replaced(replaced(e.help, "\\", "\\\\"), "'", "\\'") + "'" +
              (!e.takes_value       ? ""
               : e.takes_path       ? " -r -F"
               : !e.choices.empty() ? " -x -a '" + joined(e.choices) + "'"
                                    : " -x") +
              "\n";
  return text;
}

// Text as troff prints it: hyphens that can be copied, no line taken for a request.
std::string troff(const std::string& text) {
  std::string out = replaced(replaced(text, "\\", "\\e"), "-", "\\-");
  out = replaced(out, "\n.", "\n\\&.");
  out = replaced(out, "\n'", "\n\\&'");
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

}  // namespace

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> all;
  for (const Entry& e : entries(app)) all.insert(all.end(), e.flags.begin(), e.flags.end());
  return all;
}

std::string completion(const CLI::App& app, const std::string& shell) {
  return shell == "bash" ? bash(app) : shell == "zsh" ? zsh(app) : fish(app);
}

std::string manual_page(const CLI::App& app, const std::string& version) {
  const std::string name = app.get_name();
  std::string upper = name;
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
  std::string text = ".TH " + upper + " 1 \"\" \"Snag " + version + "\"\n.SH NAME\n" + troff(name) + " \\- " +
                     troff(app.get_description()) + "\n.SH SYNOPSIS\n.B " + troff(name) + "\n[\\fIoption\\fR ...]" +
                     (commands(app).empty() ? "" : " [" + troff(CLI::detail::join(commands(app), "|")) + "]") + "\n";
  if (!commands(app).empty()) text += ".SH COMMANDS\n";
  for (const CLI::App* sub : app.get_subcommands(nullptr))
    text += ".TP\n.B " + troff(sub->get_name()) + "\n" + troff(sub->get_description()) + "\n";
  text += ".SH OPTIONS\n";
  for (const Entry& e : entries(app)) {
    std::vector<std::string> bold;
    for (const std::string& flag : e.flags) bold.push_back("\\fB" + troff(flag) + "\\fR");
    text += ".TP\n" + CLI::detail::join(bold, ", ") + (e.takes_value ? " \\fI" + troff(e.type) + "\\fR" : "") + "\n" +
            troff(e.help) + (e.preset.empty() ? "" : " (default: " + troff(e.preset) + ")") + "\n";
  }
  return text + ".SH NOTES\n.nf\n" + troff(app.get_footer()) + "\n.fi\n";
}

}  // namespace snag
