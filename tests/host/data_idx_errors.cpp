#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "data/idx.h"
#include "tests/host/data_files.h"

using namespace snag;
using namespace data_test;
namespace fs = std::filesystem;

namespace {

const Bytes sixteen = random_bytes(16);

Bytes text(const std::string& s) { return {s.begin(), s.end()}; }

Bytes changed(Bytes bytes, std::size_t from_end, std::uint8_t flip) {
  bytes[bytes.size() - from_end] ^= flip;
  return bytes;
}

Bytes cut(Bytes bytes, std::size_t length) {
  bytes.resize(length);
  return bytes;
}

}  // namespace

TEST_CASE("idx: bad content of an images file is refused, plain and compressed") {
  const struct {
    Bytes file;
    const char* message;
  } cases[] = {
      {{}, "is empty; get the file again"},
      {text("<!DOCTYPE html><html>"), "is not an IDX file: it starts with 3c 21 44 4f, not 00 00"},
      {text("P"), "is not an IDX file: it starts with 50"},
      {{0, 0x8b, 8, 0}, "is not an IDX file: it starts with 00 8b 08 00"},
      {{0, 0, 8}, "truncated: it ends within its IDX header"},
      {cut(idx_header({1, 4, 4}), 15), "truncated: it ends within its IDX header"},
      {idx_header({1, 4, 4}, 0x0d) + sixteen, "holds IDX elements of type 0d; only 08"},
      {idx_header({16}) + sixteen, "has rank 1, but images have rank 3: is it another of the four files?"},
      {idx_header({1, 4, 4, 1}) + sixteen, "has rank 4, but images have rank 3"},
      {idx_header({0, 4, 4}), "holds no images: its header says 0"},
      {idx_header({1, 0, 4}), "holds images of 0 x 4 pixels"},
      {idx_header({1, 4, 0}), "holds images of 4 x 0 pixels"},
      {idx_header({1, 2, 8}) + sixteen, "holds images of 2 x 8 pixels; give square ones"},
      {cut(idx_header({1, 4, 4}) + sixteen, 31), "truncated: its header promises 16 bytes of data, but it holds 15"},
      {idx_header({1, 4, 4}), "truncated: its header promises 16 bytes of data, but it holds 0"},
      {idx_header({1, 4, 4}) + sixteen + Bytes{0},
       "trailing bytes after the 16 bytes of data that its header promises"},
      {idx_header({~0U, ~0U, ~0U}), "has a header that promises 4294967295 x 4294967295 x 4294967295 bytes, beyond"},
      {idx_header({1, 65536, 65536}), "1 x 65536 x 65536 bytes, beyond"},
      {idx_header({1U << 31, 1, 1}), "2147483648 x 1 x 1 bytes, beyond"},
      {idx_header({257, 4096, 4096}), "257 x 4096 x 4096 bytes, beyond"},
      {idx_header({256, 4096, 4096}),
       "truncated: its header promises 4294967296 bytes of data, but a file of its size"},
      {idx_header({60000, 28, 28}) + sixteen, "truncated: its header promises 47040000 bytes of data, but a file of"},
  };
  const TempDir dir;
  for (const auto& c : cases) {
    check_error([&] { read_idx_images(dir.write("plain", c.file)); }, Exit::data, c.message);
    check_error([&] { read_idx_images(dir.write("packed", gzip(c.file))); }, Exit::data, c.message);
    check_error([&] { read_idx_images(dir.path() / "plain"); }, Exit::data, (dir.path() / "plain").string() + ": ");
  }
}

TEST_CASE("idx: bad content of a labels file is refused, plain and compressed") {
  const struct {
    Bytes file;
    const char* message;
  } cases[] = {
      {idx_header({1, 4, 4}) + sixteen, "has rank 3, but labels have rank 1"},
      {idx_header({0}), "holds no labels: its header says 0"},
      {cut(idx_header({3}), 7), "truncated: it ends within its IDX header"},
      {idx_header({3}) + Bytes{1, 2}, "truncated: its header promises 3 bytes of data, but it holds 2"},
      {idx_header({3}) + Bytes{1, 2, 3, 4}, "trailing bytes after the 3 bytes of data"},
      {idx_header({~0U}) + Bytes{1}, "4294967295 x 1 x 1 bytes, beyond"},
      {idx_header({4}) + Bytes{9, 0, 3, 10}, "label 3 is 10; labels must be 0 to 9"},
      {idx_header({3}) + Bytes{0, 255, 11}, "label 1 is 255"},
  };
  const TempDir dir;
  for (const auto& c : cases) {
    check_error([&] { read_idx_labels(dir.write("plain", c.file)); }, Exit::data, c.message);
    check_error([&] { read_idx_labels(dir.write("packed", gzip(c.file))); }, Exit::data, c.message);
  }
}

TEST_CASE("idx: damaged gzip data is refused") {
  const TempDir dir;
  const Bytes good = gzip(idx_header({1, 28, 28}) + random_bytes(784));
  const struct {
    Bytes file;
    const char* message;
  } cases[] = {
      {changed(good, 8, 1), "corrupt gzip data (incorrect data check)"},    // its CRC
      {changed(good, 1, 1), "corrupt gzip data (incorrect length check)"},  // its length
      {changed(good, 400, 1), "corrupt gzip data (incorrect data check)"},  // a stored byte
      {changed(good, good.size() - 10, 6), "corrupt gzip data (invalid block type)"},
      {changed(good, good.size() - 2, 1), "corrupt gzip data (unknown compression method)"},
      {good + Bytes{0}, "truncated: its gzip data ends early"},  // could be the start of another member
      {good + Bytes{0, 0}, "trailing bytes after its gzip data"},
      {good + text("garbage"), "trailing bytes after its gzip data"},
      {good + good, "trailing bytes after the 784 bytes of data"},
      {good + cut(good, 30), "trailing bytes after the 784 bytes of data"},
  };
  for (const auto& c : cases) check_error([&] { read_idx_images(dir.write("bad.gz", c.file)); }, Exit::data, c.message);
}

TEST_CASE("idx: a gzip file cut anywhere is refused") {
  const TempDir dir;
  const Bytes good = gzip(idx_header({2, 10, 10}) + Bytes(200, 7));
  for (std::size_t length = 2; length < good.size(); ++length) {
    CAPTURE(length);
    check_error([&] { read_idx_images(dir.write("cut.gz", cut(good, length))); }, Exit::data, "truncated: ");
  }
}

TEST_CASE("idx: a header's empty promise costs no memory") {
  const TempDir dir;
  // 4 MB of noise and a promise of 4 GB, which a gzip file of that size could hold
  const Bytes file = idx_header({255, 4096, 4096}) + random_bytes(4 << 20);
  const auto packed = dir.write("bomb.gz", gzip(file)), plain = dir.write("bomb", file);
  check_error([&] { read_idx_images(packed); }, Exit::data, "but it holds 4194304");
  check_error([&] { read_idx_images(plain); }, Exit::data, "but a file of its size holds at most 4194320");

  const auto peak_kib = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  const pid_t child = fork();  // whose peak starts at what is in use now
  REQUIRE(child >= 0);
  if (child == 0) {
    const long before = peak_kib();
    try {
      read_idx_images(packed);
    } catch (const Error&) {
    }
    _exit(peak_kib() - before < 64 << 10 ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("idx: what is not a readable file is refused with exit code io") {
  const TempDir dir;
  check_error([&] { read_idx_images(dir.path() / "none"); }, Exit::io,
              (dir.path() / "none").string() + ": no such file");
  check_error([&] { read_idx_images(dir.path()); }, Exit::io, "is a directory, not a file");
  check_error([&] { read_idx_labels(dir.write("file", {}) / "below"); }, Exit::io, "below: ");
  REQUIRE(mkfifo((dir.path() / "pipe").c_str(), 0600) == 0);
  check_error([&] { read_idx_images(dir.path() / "pipe"); }, Exit::io, "is not a regular file");
  check_error([&] { read_idx_images("/proc/self/mem"); }, Exit::io,
              "/proc/self/mem: cannot be read: Input/output error");
  fs::create_symlink("loop", dir.path() / "loop");
  check_error([&] { read_idx_images(dir.path() / "loop"); }, Exit::io, "loop: cannot be opened");
}

TEST_CASE("idx: a relative path is named in full") {
  const std::string full = (fs::current_path() / "no-such-folder" / "images").string();
  check_error([&] { read_idx_images("no-such-folder/images"); }, Exit::io, full + ": no such file");
}

TEST_CASE("idx: missing permission is refused with exit code io") {
  const TempDir dir;
  const auto file = dir.write("secret", idx_header({1, 4, 4}) + sixteen);
  fs::permissions(file, fs::perms::none);
  fs::permissions(dir.path(), fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec);
  const bool root = geteuid() == 0;  // whom permissions do not stop
  if (root) REQUIRE(seteuid(65534) == 0);
  check_error([&] { read_idx_images(file); }, Exit::io, "secret: cannot be opened: Permission denied");
  if (root) REQUIRE(seteuid(0) == 0);
  fs::permissions(dir.path(), root ? fs::perms::owner_all : fs::perms::none);
  if (root) REQUIRE(seteuid(65534) == 0);
  check_error([&] { read_idx_images(file); }, Exit::io, "secret: cannot be opened: Permission denied");
  check_error([&] { read_split(dir.path() / "sub", "train"); }, Exit::io, "sub: cannot be opened: Permission denied");
  check_error([&] { read_split(dir.path(), "train"); }, Exit::io, "cannot be opened: Permission denied");
  if (root) REQUIRE(seteuid(0) == 0);
  fs::permissions(dir.path(), fs::perms::owner_all);
}

TEST_CASE("idx: read_split says what is wrong with the folder and how to get the data") {
  const char* advice =
      "; install the Debian package dataset-fashion-mnist, or give its four IDX files, or images in normal/ or "
      "train/good/, as --data DIR";
  const TempDir dir;
  const std::string at = dir.path().string();
  check_error([&] { read_split(dir.path(), "test"); }, Exit::usage, "no split 'test' of the data; give train or t10k");
  check_error([&] { read_split({}, "train"); }, Exit::io, std::string("fashion-mnist is not there") + advice);
  check_error([&] { read_split(dir.path() / "none", "train"); }, Exit::io, at + "/none: no such folder" + advice);
  check_error([&] { read_split(dir.write("file", {}), "train"); }, Exit::io, at + "/file: is not a folder" + advice);
  check_error([&] { read_split(dir.path(), "train"); }, Exit::io,
              at + ": has no train-images-idx3-ubyte[.gz]" + advice);
  dir.write("train-images-idx3-ubyte", idx_header({1, 4, 4}) + sixteen);
  check_error([&] { read_split(dir.path(), "train"); }, Exit::io,
              at + ": has no train-labels-idx1-ubyte[.gz]" + advice);
  dir.write("train-labels-idx1-ubyte", idx_header({2}) + Bytes{1, 2});
  check_error([&] { read_split(dir.path(), "train"); }, Exit::data,
              at + "/train-images-idx3-ubyte: holds 1 images, but " + at + "/train-labels-idx1-ubyte holds 2 labels");
  fs::create_directory(dir.path() / "t10k-images-idx3-ubyte");
  dir.write("t10k-labels-idx1-ubyte", idx_header({2}) + Bytes{1, 2});
  check_error([&] { read_split(dir.path(), "t10k"); }, Exit::io, "t10k-images-idx3-ubyte: is a directory, not a file");
}

TEST_CASE("idx: random damage gives an error or the header's images, never anything else") {
  const TempDir dir;
  const Bytes file = idx_header({5, 6, 6}) + random_bytes(180);
  const Bytes even = idx_header({5, 6, 6}) + Bytes(180, 3);
  for (const auto& [good, content] : {std::pair{file, file}, std::pair{gzip(file), file}, std::pair{gzip(even), even}})
    for (std::uint64_t round = 0; round < 300; ++round) {
      const Draw draw = philox(round, Stream::sample, 7, 0);
      Bytes bad = good;
      for (int flips = draw.below(0, 4); flips >= 0; --flips) {
        const Draw flip = philox(round, Stream::sample, 7, 1 + static_cast<std::uint64_t>(flips));
        bad[static_cast<std::size_t>(flip.below(0, static_cast<int>(bad.size())))] ^=
            static_cast<std::uint8_t>(1 << flip.below(1, 8));
      }
      if (draw.below(1, 3) == 0) bad.resize(static_cast<std::size_t>(draw.below(2, static_cast<int>(bad.size()))));
      CAPTURE(round);
      const auto path = dir.write("damaged", bad);
      try {
        const Images images = read_idx_images(path);
        CHECK(images.pixels.size() == static_cast<std::size_t>(images.count * images.height * images.width));
        if (good != file) CHECK(idx_header({5, 6, 6}) + images.pixels == content);  // gzip's CRC has seen to it
      } catch (const Error& error) {
        CHECK(error.code() == Exit::data);
      }
    }
}
