#pragma once
#include <span>
#include <string>
#include <string_view>

namespace snag {

// The candidate that is least far from `word`, by the letters to insert, delete or replace (Levenshtein 1966); the
// first of equals. "" where more than a third of the word's letters (at least 2) would change.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

// "; did you mean NEAREST?", or "" where none is near.
std::string suggestion(std::string_view word, std::span<const std::string> candidates);

}  // namespace snag
