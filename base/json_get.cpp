#include "base/json.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

namespace snag {
namespace {

using nlohmann::json;

// The shortest digits that read back as the same double.
std::string number(double x) {
  std::array<char, 32> digits;
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), x).ptr};
}

// At most `limit` bytes, never half a UTF-8 character.
std::string_view cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) {
    return text;
  }
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) {
    --limit;
  }
  return text.substr(0, limit);
}

std::string join(const std::string& path, const std::string& key) {
  const bool plain = !key.empty() && key.size() <= 80 && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  return path + (path.empty() ? "" : ".") + (plain ? key : in_quotes(key));
}

std::string shown(const json& x) {
  if (x.is_object() || x.is_array()) {
    return x.is_object() ? "an object" : "an array of " + std::to_string(x.size());
  }
  return x.is_string() ? in_quotes(x.get_ref<const std::string&>()) : x.dump();
}

[[noreturn]] void wrong(const Json& j, const std::string& path, const std::string& what) {
  throw Error(j.code, j.file + ": " + (path.empty() ? "" : path + ": ") + what);
}

const json& member(const Json& j, const std::string& key, const std::string& wanted) {
  if (!j.value.is_object()) {
    wrong(j, j.path, "found " + shown(j.value) + ", wanted an object with the key " + in_quotes(key));
  }
  const auto found = j.value.find(key);
  if (found == j.value.end()) {
    wrong(j, join(j.path, key), "missing, wanted " + wanted);
  }
  return *found;
}

[[noreturn]] void mismatch(const Json& j, const std::string& key, const json& found, const std::string& wanted) {
  wrong(j, join(j.path, key), "found " + shown(found) + ", wanted " + wanted);
}

std::string range(std::int64_t lo, std::int64_t hi) { return std::to_string(lo) + " .. " + std::to_string(hi); }

// nlohmann's get<> wraps silently; an unsigned above the signed range must not become negative.
bool read_int(const json& x, std::int64_t lo, std::int64_t hi, std::int64_t& out) {
  if (!x.is_number_integer() ||
      (x.is_number_unsigned() && x.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))) {
    return false;
  }
  out = x.get<std::int64_t>();
  return out >= lo && out <= hi;
}

}  // namespace

std::int64_t get_int(const Json& j, const std::string& key, std::int64_t lo, std::int64_t hi) {
  const std::string wanted = "an integer in " + range(lo, hi);
  const json& x = member(j, key, wanted);
  std::int64_t out = 0;
  if (!read_int(x, lo, hi, out)) {
    mismatch(j, key, x, wanted);
  }
  return out;
}

std::vector<std::int64_t> get_ints(const Json& j, const std::string& key, std::int64_t lo, std::int64_t hi) {
  const std::string wanted = "a list of integers in " + range(lo, hi);
  const json& list = member(j, key, wanted);
  if (!list.is_array()) {
    mismatch(j, key, list, wanted);
  }
  std::vector<std::int64_t> out;
  for (const json& x : list) {
    if (!read_int(x, lo, hi, out.emplace_back())) {
      mismatch(j, key, x, wanted);
    }
  }
  return out;
}

double get_real(const Json& j, const std::string& key, double lo, double hi) {
  const std::string wanted = "a number in " + number(lo) + " .. " + number(hi);
  const json& x = member(j, key, wanted);
  const double out = x.is_number() ? x.get<double>() : NAN;
  if (!std::isfinite(out) || out < lo || out > hi) {
    mismatch(j, key, x, wanted);
  }
  return out;
}

bool get_bool(const Json& j, const std::string& key) {
  const json& x = member(j, key, "true or false");
  if (!x.is_boolean()) {
    mismatch(j, key, x, "true or false");
  }
  return x.get<bool>();
}

std::string get_string(const Json& j, const std::string& key) {
  const json& x = member(j, key, "a string");
  if (!x.is_string()) {
    mismatch(j, key, x, "a string");
  }
  return x.get<std::string>();
}

Json get_object(const Json& j, const std::string& key) {
  const json& x = member(j, key, "an object");
  if (!x.is_object()) {
    mismatch(j, key, x, "an object");
  }
  return {x, j.file, join(j.path, key), j.code};
}

bool has(const Json& j, const std::string& key) { return j.value.is_object() && j.value.contains(key); }

void reject_unknown_keys(const Json& j, std::initializer_list<std::string_view> allowed) {
  if (!j.value.is_object()) {
    wrong(j, j.path, "found " + shown(j.value) + ", wanted an object");
  }
  std::string unknown;
  for (const auto& [key, value] : j.value.items()) {
    if (std::find(allowed.begin(), allowed.end(), key) == allowed.end()) {
      unknown += (unknown.empty() ? "" : ", ") + in_quotes(key);
    }
  }
  if (unknown.empty()) {
    return;
  }
  std::string known;
  for (const std::string_view key : allowed) {
    known += (known.empty() ? "" : ", ") + std::string(key);
  }
  wrong(j, j.path, "unknown key " + std::string(cut(unknown, 300)) + "; known are " + known);
}

std::string in_quotes(std::string_view text) {
  const std::string_view shown_part = cut(text, 80);
  const std::string tail = shown_part.size() < text.size() ? "..." : "";
  return json(std::string(shown_part) + tail).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace snag
