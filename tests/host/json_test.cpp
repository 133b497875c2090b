#include "base/json.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/error_of.h"

namespace snag {
namespace {

Json parse(std::string_view text) { return parse_json(text, "c.json", Exit::usage); }

void check_rejected(std::string_view text, std::string_view place) {
  CAPTURE(text);
  check_error(error_of([&] { parse(text); }), Exit::usage, {place});
}

TEST_CASE("a syntax error names file, line and column") {
  check_rejected("", "c.json:1:1: ");
  check_rejected("{\"a\": tru}", "c.json:1:10: ");
  check_rejected("{\n  \"a\": 1,\n}", "c.json:3:1: ");
  check_rejected("[1, 2", "c.json:1:6: ");
  check_rejected("{} x", "c.json:1:4: ");
  check_rejected("[1] [2]", "c.json:1:5: ");
  check_rejected("// no comments\n{}", "c.json:1:1: ");
}

TEST_CASE("the code that the caller chose is the Error's") {
  CHECK(error_of([] { parse_json("", "x", Exit::checkpoint); }).code() == Exit::checkpoint);
  CHECK(error_of([] { get_int(parse_json("{}", "x", Exit::data), "a", 0, 1); }).code() == Exit::data);
}

TEST_CASE("a key that stands twice is rejected at any depth, equal keys of siblings are not") {
  check_rejected(R"({"a": 1, "a": 1})", "c.json:1:12: the key \"a\" stands twice");
  check_rejected("{\"x\": [{\"a\": 1,\n \"\\u0061\": {}}]}", "c.json:2:9: ");
  CHECK(parse(R"([{"a": 1}, {"a": {"a": 2}}])").value.dump() == R"([{"a":1},{"a":{"a":2}}])");
}

TEST_CASE("bytes that nlohmann would overlook or choke on are rejected") {
  check_rejected(std::string_view("{}\0garbage", 10), "c.json:1:3: a NUL byte");
  check_rejected("\"\xff\"", "c.json:1:2: ");
  check_rejected("\"\xc3\"", "c.json:1:3: ");
  check_rejected("\"\\ud800\"", "c.json:1:");
  check_rejected("[1e999]", "c.json:1:");
  check_rejected("[NaN]", "c.json:1:2: ");
  check_rejected("\"" + std::string(1000, 'x') + "\n\"", "c.json:1:1002: ");
}

TEST_CASE("a hundred levels are read, a million are an Error and not a stack overflow") {
  CHECK_NOTHROW(parse(std::string(100, '[') + std::string(100, ']')));
  check_rejected(std::string(101, '['), "nested deeper than 100");
  check_rejected(std::string(1'000'000, '['), "nested deeper than 100");
}

TEST_CASE("values of every kind are read as they stand") {
  const Json j = parse(R"( {"i": -3, "r": 0.1, "t": true, "s": "ü\n", "l": [1, 2], "o": {"n": null}} )");
  CHECK(get_int(j, "i", -3, -3) == -3);
  CHECK(get_real(j, "r", 0, 1) == 0.1);
  CHECK(get_real(j, "i", -10, 0) == -3.0);
  CHECK(get_bool(j, "t"));
  CHECK(get_string(j, "s") == "ü\n");
  CHECK(get_ints(j, "l", 1, 2) == std::vector<std::int64_t>{1, 2});
  CHECK(has(get_object(j, "o"), "n"));
  CHECK_FALSE(has(j, "n"));
}

TEST_CASE("integers are exact to both ends of 64 bits and never wrap") {
  const auto read = [](std::string_view number) {
    return get_int(parse("{\"n\": " + std::string(number) + "}"), "n", INT64_MIN, INT64_MAX);
  };
  CHECK(read("9223372036854775807") == INT64_MAX);
  CHECK(read("-9223372036854775808") == INT64_MIN);
  for (const char* bad : {"9223372036854775808", "18446744073709551615", "18446744073709551616", "-9223372036854775809",
                          "1e30", "1.0", "1e3", "true", "null", "\"1\"", "[1]", "{}"}) {
    CAPTURE(bad);
    check_error(error_of([&] { read(bad); }), Exit::usage, {"c.json: n: found ", "wanted an integer"});
  }
}

TEST_CASE("an integer out of range names key path, value and range") {
  const Json j = parse(R"({"model": {"width": -1, "odd key": {"x": 1}}})");
  check_error(error_of([&] { get_int(get_object(j, "model"), "width", 1, 512); }), Exit::usage,
              {"c.json: model.width: found -1, wanted an integer in 1 .. 512"});
  check_error(error_of([&] { get_int(get_object(get_object(j, "model"), "odd key"), "x", 2, 3); }), Exit::usage,
              {"c.json: model.\"odd key\".x: found 1"});
}

TEST_CASE("a real outside its range or of another type is rejected, bounds are inside") {
  const Json j = parse(R"({"a": 0.5, "b": "0.5", "c": -1e300})");
  CHECK(get_real(j, "a", 0.5, 0.5) == 0.5);
  check_error(error_of([&] { get_real(j, "a", 0.6, 1e9); }), Exit::usage,
              {"found 0.5, wanted a number in 0.6 .. 1e+09"});
  check_error(error_of([&] { get_real(j, "b", 0, 1); }), Exit::usage, {"found \"0.5\""});
  check_error(error_of([&] { get_real(j, "c", 0, 1); }), Exit::usage, {"found -1e+300"});
}

TEST_CASE("a missing key, a wrong type and a value that is no object are told apart") {
  const Json j = parse(R"({"l": [1, -2], "s": "x"})");
  check_error(error_of([&] { get_string(j, "none"); }), Exit::usage, {"c.json: none: missing, wanted a string"});
  check_error(error_of([&] { get_bool(j, "s"); }), Exit::usage, {"found \"x\", wanted true or false"});
  check_error(error_of([&] { get_ints(j, "l", 0, 9); }), Exit::usage, {"l: found -2, wanted a list of integers in 0"});
  check_error(error_of([&] { get_object(j, "l"); }), Exit::usage, {"l: found an array of 2, wanted an object"});
  check_error(error_of([&] { get_int(parse("[1]"), "a", 0, 1); }), Exit::usage, {"c.json: found an array of 1"});
}

TEST_CASE("unknown keys are named with the known ones") {
  const Json j = parse(R"({"width": 1, "widht": 2, "Depth": 3})");
  CHECK_NOTHROW(reject_unknown_keys(j, {"Depth", "widht", "width", "more"}));
  check_error(error_of([&] {
                reject_unknown_keys(j, {"width", "depth"});
              }),
              Exit::usage, {"unknown key \"Depth\", \"widht\"; known are width, depth"});
  check_error(error_of([] { reject_unknown_keys(parse("3"), {}); }), Exit::usage, {"found 3, wanted an object"});
}

TEST_CASE("what a stranger wrote is quoted as one short line of whole characters") {
  CHECK(in_quotes("a\n\"\x01") == "\"a\\n\\\"\\u0001\"");
  CHECK(in_quotes(std::string(79, 'x') + "üü") == "\"" + std::string(79, 'x') + "...\"");
  CHECK(in_quotes("\xff").size() > 2);
}

}  // namespace
}  // namespace snag
