#pragma once
#include <CLI/CLI.hpp>
#include <string>

namespace snag {

// What follows from a program's options: scripts that let a shell complete them, and a manual page.

// shell: bash, zsh or fish. A value is completed where its type name lists choices (a|b|c) or is FILE, DIR or RUN.
std::string completion(const CLI::App&, const std::string& shell);
// In man's troff; the footer's paragraphs become sections by their first words.
std::string manual_page(const CLI::App&, const std::string& version);

// "--seed" and the like, of all options.
std::vector<std::string> flags_of(const CLI::App&);

}  // namespace snag
