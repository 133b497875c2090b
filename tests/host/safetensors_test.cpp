#include "engine/safetensors.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "base/file.h"
#include "base/random.h"
#include "tests/error_of.h"
#include "tests/temp_folder.h"

namespace snag {
namespace {

// A file of the given header and as many bytes of data, all 'd'.
std::string file_of(const std::string& header, std::size_t data) {
  std::string file;
  for (int i = 0; i < 8; ++i) {
    file += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  }
  return file + header + std::string(data, 'd');
}

void check_refused(const std::string& file, std::string_view what) {
  check_error(error_of([&] { parse_safetensors(file, "m.st"); }), Exit::checkpoint,
              {"m.st: ", what, "restore it from a copy or train again"});
}

void check_header_refused(const std::string& header, std::string_view what) {
  CAPTURE(header);
  check_refused(file_of(header, 8), what);
}

Checkpoint example() {
  return {{{"b", {"F32", {2, 1}, std::string("\0\0\x80\x3f\0\0\0\x40", 8)}},
           {"a", {"F32", {}, std::string(4, 'a')}},
           {"step", {"I64", {1}, std::string(8, 's')}},
           {"none", {"U8", {3, 0}, ""}}},
          {{"config", "{\"width\": 64}"}, {"a", "ü"}}};
}

// Written by the reference implementation, safetensors 0.8.0 for Python:
//   safetensors.numpy.save({
//       "g.w": numpy.array([[0, 1.5, -2], [3, 4, 1e-3]], "float32"), "step": numpy.array(7, "int64"),
//       "a": numpy.array([1, 2, 3], "uint8"), "half": numpy.array([1, -1], "float16"),
//       "empty": numpy.zeros((0, 4), "float32"), "mu": numpy.array([2.5]), "\u00fc\"\\\n": numpy.array([True]),
//       "i": numpy.array([-1], "int32")}, {"config": '{"width": 64}'})
std::string reference_file() {
  const std::string header =
      R"({"__metadata__":{"config":"{\"width\": 64}"},"step":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
      R"("mu":{"dtype":"F64","shape":[1],"data_offsets":[8,16]},"empty":{"dtype":"F32","shape":[0,4],"data_offsets":[16,16]},)"
      R"("g.w":{"dtype":"F32","shape":[2,3],"data_offsets":[16,40]},"i":{"dtype":"I32","shape":[1],"data_offsets":[40,44]},)"
      R"("half":{"dtype":"F16","shape":[2],"data_offsets":[44,48]},"a":{"dtype":"U8","shape":[3],"data_offsets":[48,51]},)"
      R"("ü\"\\\n":{"dtype":"BOOL","shape":[1],"data_offsets":[51,52]}}       )";
  const unsigned char data[] = {7,    0,    0,    0,    0,    0,    0,    0, 0,    0,    0,    0,    0,
                                0,    4,    0x40, 0,    0,    0,    0,    0, 0,    0xc0, 0x3f, 0,    0,
                                0,    0xc0, 0,    0,    0x40, 0x40, 0,    0, 0x80, 0x40, 0x6f, 0x12, 0x83,
                                0x3a, 0xff, 0xff, 0xff, 0xff, 0,    0x3c, 0, 0xbc, 1,    2,    3,    1};
  return file_of(header, 0) + std::string(data, data + sizeof data);
}

TEST_CASE("a file of the reference implementation is read") {
  const Checkpoint c = parse_safetensors(reference_file(), "ref");
  CHECK(c.metadata == std::map<std::string, std::string>{{"config", "{\"width\": 64}"}});
  CHECK(c.tensors.size() == 8);
  CHECK(c.tensors.at("g.w").dtype == "F32");
  CHECK(c.tensors.at("g.w").shape == std::vector<std::int64_t>{2, 3});
  CHECK(c.tensors.at("g.w").bytes.substr(4, 8) == std::string("\0\0\xc0\x3f\0\0\0\xc0", 8));
  CHECK(c.tensors.at("step").shape.empty());
  CHECK(c.tensors.at("empty").bytes.empty());
  CHECK(c.tensors.at("ü\"\\\n").bytes == "\x01");
}

TEST_CASE("what is read from the reference implementation is written with the same bytes") {
  CHECK(serialise_safetensors(parse_safetensors(reference_file(), "ref")) == reference_file());
}

TEST_CASE("a checkpoint comes back from the disk as it went, data at a multiple of 8") {
  const TempFolder folder;
  write_safetensors(folder / "c", example());
  const Checkpoint c = read_safetensors(folder / "c");
  CHECK(c.metadata == example().metadata);
  CHECK(c.tensors.size() == 4);
  for (const auto& [name, tensor] : example().tensors) {
    CHECK(c.tensors.at(name).dtype == tensor.dtype);
    CHECK(c.tensors.at(name).shape == tensor.shape);
    CHECK(c.tensors.at(name).bytes == tensor.bytes);
  }
  const std::string file = read_file(folder / "c");
  CHECK(file[0] % 8 == 0);
  CHECK(file == serialise_safetensors(c));
  CHECK(folder.entries() == 1);
}

TEST_CASE("a checkpoint without tensors or metadata is a file too") {
  const std::string file = serialise_safetensors({});
  CHECK(file == std::string("\x08\0\0\0\0\0\0\0{}      ", 16));
  CHECK(parse_safetensors(file, "x").tensors.empty());
}

TEST_CASE("a missing or unwritable file is an I/O Error, not a corrupt checkpoint") {
  check_error(error_of([] { read_safetensors("/dev/null/x"); }), Exit::io, {"/dev/null/x"});
  check_error(error_of([] { write_safetensors("/dev/full", example()); }), Exit::io, {"/dev/full", "No space"});
}

TEST_CASE("a file shorter than its header or than its data is refused") {
  const std::string whole = serialise_safetensors(example());
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CAPTURE(n);
    CHECK(error_of([&] { parse_safetensors(whole.substr(0, n), "m.st"); }).code() == Exit::checkpoint);
  }
  check_refused("", "has 0 bytes");
  check_refused(whole.substr(0, 50), "has a header of ");
  check_refused(whole.substr(0, whole.size() - 1), "bytes of data");
  check_refused(whole + "x", "bytes of data");
}

TEST_CASE("a header length beyond the file or the cap is refused") {
  check_refused(std::string(8, '\xff') + "{}", "has a header of 18446744073709551615 bytes");
  check_refused(file_of("{}", 0).replace(0, 1, "\x03"), "has a header of 3 bytes, of at most 2");
  check_refused(file_of("{" + std::string(100'000'000, ' ') + "}", 0), "of at most 100000000");
}

TEST_CASE("a header that is no strict JSON object is refused") {
  check_header_refused("", "does not begin with {");
  check_header_refused(" {}", "does not begin with {");
  check_header_refused("[]", "does not begin with {");
  check_header_refused("{", "header:1:2");
  check_header_refused("{\"\xff\": 1}", "UTF-8");
  check_header_refused(std::string("{}\0x", 4), "NUL");
  check_header_refused("{}{}", "header:1:3");
  const std::string tensor = R"("t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  check_header_refused("{" + tensor + "," + tensor + "}", "\"t\" stands twice");
  check_header_refused(R"({"t":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "stands twice");
}

TEST_CASE("an entry of another form is refused by name") {
  check_header_refused(R"({"t":3})", "t: found 3, wanted an object");
  check_header_refused(R"({"t":{"shape":[2],"data_offsets":[0,8]}})", "t.dtype: missing");
  check_header_refused(R"({"t":{"dtype":"F32","data_offsets":[0,8]}})", "t.shape: missing");
  check_header_refused(R"({"t":{"dtype":"F32","shape":[2]}})", "t.data_offsets: missing");
  check_header_refused(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", "unknown key \"x\"");
  check_header_refused(R"({"t":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}})", "unknown dtype \"F33\"");
  check_header_refused(R"({"t":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "t.shape: found -2");
  check_header_refused(R"({"t":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", "t.shape: found 2.0");
  check_header_refused(R"({"t":{"dtype":"F32","shape":2,"data_offsets":[0,8]}})", "t.shape: found 2");
  check_header_refused(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", "must be [begin, end]");
  check_header_refused(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", "must be [begin, end]");
  check_header_refused(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,1e1]}})", "t.data_offsets: found 10.0");
  check_header_refused(R"({"__metadata__":{"a":1},"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                       "__metadata__.a: found 1, wanted a string");
  check_header_refused(R"({"__metadata__":[]})", "__metadata__: found an array");
}

TEST_CASE("a size that disagrees with shape and dtype, or overflows, is refused") {
  check_header_refused(R"({"t":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})",
                       "tensor \"t\": has 8 bytes, but F32 [3] takes 12");
  check_header_refused(R"({"t":{"dtype":"F32","shape":[4611686018427387904,4,2],"data_offsets":[0,8]}})",
                       "impossible shape");
  check_header_refused(R"({"t":{"dtype":"U8","shape":[9223372036854775807,2],"data_offsets":[0,8]}})",
                       "impossible shape");
  check_header_refused(R"({"t":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}})",
                       "describes 9223372036854775807 bytes of data, the file has 8");
}

TEST_CASE("a hole, an overlap, a late begin or bytes left over are refused") {
  const auto two = [](const std::string& first, const std::string& second) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[)" + first + R"(]},"b":{"dtype":"U8","shape":[4],)" +
           R"("data_offsets":[)" + second + "]}}";
  };
  CHECK(parse_safetensors(file_of(two("4,8", "0,4"), 8), "x").tensors.size() == 2);
  check_header_refused(two("0,4", "5,9"), "tensor \"b\": begins at byte 5");
  check_header_refused(two("0,4", "3,7"), "tensor \"b\": begins at byte 3");
  check_header_refused(two("0,4", "0,4"), "a hole or an overlap");
  check_header_refused(two("1,5", "5,9"), "tensor \"a\": begins at byte 1");
  check_refused(file_of(two("0,4", "4,8"), 9), "describes 8 bytes of data, the file has 9");
  check_refused(file_of(two("0,4", "4,8"), 7), "describes 8 bytes of data, the file has 7");
}

TEST_CASE("a checkpoint that contradicts itself is not written") {
  const TempFolder folder;
  const auto refuse = [&](const std::string& name, const StoredTensor& tensor, std::string_view what) {
    check_error(error_of([&] {
                  write_safetensors(folder / "c", {{{name, tensor}}, {}});
                }),
                Exit::checkpoint, {folder / "c", what});
  };
  refuse("t", {"F32", {2}, "1234"}, "cannot be stored as F32 [2] from 4 bytes");
  refuse("t", {"F31", {1}, "1234"}, "unknown dtype");
  refuse("t", {"F32", {-1}, "1234"}, "impossible shape");
  refuse("__metadata__", {"U8", {1}, "1"}, "cannot be stored");
  refuse("\xff", {"U8", {1}, "1"}, "not UTF-8");
  CHECK(folder.entries() == 0);
}

TEST_CASE("damaged files give an Error or a consistent checkpoint, never anything else") {
  const std::string whole = serialise_safetensors(example());
  int refused = 0, rounds = 20'000;
  for (int round = 0; round < rounds; ++round) {
    const auto draw = [&](int i, std::size_t n) {
      const Draw d = philox(1, Stream::sample, static_cast<std::uint32_t>(i), static_cast<std::uint64_t>(round));
      return static_cast<std::size_t>(d.below(0, static_cast<int>(n)));
    };
    std::string file = whole;
    for (std::size_t hits = 1 + draw(0, 3); hits > 0; --hits) {
      const int i = static_cast<int>(4 * hits);
      const std::size_t place = draw(i, file.size());
      const char alphabet[] = "\0\"{}[],:0123456789-e.F\xff";
      switch (draw(i + 1, 4)) {
        case 0:
          file[place] = static_cast<char>(file[place] ^ 1 << draw(i + 2, 8));
          break;
        case 1:
          file[place] = alphabet[draw(i + 2, sizeof alphabet - 1)];
          break;
        case 2:
          file.erase(place, draw(i + 2, 4));
          break;
        default:
          file.insert(place, file.substr(draw(i + 2, file.size()), draw(i + 3, 20)));
      }
      file += file.empty() ? "x" : "";
    }
    try {
      const Checkpoint c = parse_safetensors(file, "fuzz");
      CHECK_NOTHROW(serialise_safetensors(c));
    } catch (const Error& e) {
      CHECK(e.code() == Exit::checkpoint);
      ++refused;
    }
  }
  CHECK(refused > rounds / 2);
  CHECK(refused < rounds);
}

}  // namespace
}  // namespace snag
