#pragma once
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace snag {

// A JSON value that knows where it came from, so that each complaint about it names file and key.
struct Json {
  nlohmann::json value;
  std::string file;
  std::string path;         // keys from the top of the file: "model.width"; empty at the top
  Exit code = Exit::usage;  // of the Errors that the functions below throw
};

// Strict: one JSON value and nothing after it, UTF-8, no duplicate key, no number that overflows double, at most 100
// levels deep. Anything else is an Error of `code`: FILE:LINE:COLUMN: what. Linear in the size of the text.
Json parse_json(std::string_view text, const std::string& file, Exit code);

// The checked getters, the only way numbers leave a Json. Each throws an Error of j.code that names file and key, the
// value found and the values wanted, when j is no object, lacks the key, or holds another type or range there.
// A bound is part of its range; 1.0 and 1e3 are no integers; nothing is rounded or wrapped.
std::int64_t get_int(const Json& j, const std::string& key, std::int64_t lo, std::int64_t hi);
double get_real(const Json& j, const std::string& key, double lo, double hi);
bool get_bool(const Json& j, const std::string& key);
std::string get_string(const Json& j, const std::string& key);
std::vector<std::int64_t> get_ints(const Json& j, const std::string& key, std::int64_t lo, std::int64_t hi);
Json get_object(const Json& j, const std::string& key);

bool has(const Json& j, const std::string& key);

// Throws an Error of j.code that names every key of j that is not among `allowed`, and those allowed.
void reject_unknown_keys(const Json& j, std::initializer_list<std::string_view> allowed);

// `text` as a JSON string of one line, cut when long: for messages that name what a stranger wrote.
std::string in_quotes(std::string_view text);

}  // namespace snag
