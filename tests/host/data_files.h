#pragma once
#include <doctest/doctest.h>
#include <stdlib.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "data/images.h"

// Files, images and errors for the tests of data/.
namespace data_test {

using Bytes = std::vector<std::uint8_t>;

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "snag-data-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("no temporary directory");
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }

  std::filesystem::path write(const std::string& name, const Bytes& bytes) const {
    std::ofstream file(path_ / name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) throw std::runtime_error("cannot write " + name);
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

inline Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline Bytes idx_header(const std::vector<std::uint32_t>& sizes, std::uint8_t type = 0x08) {
  Bytes bytes{0, 0, type, static_cast<std::uint8_t>(sizes.size())};
  for (const std::uint32_t size : sizes)
    for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<std::uint8_t>(size >> shift));
  return bytes;
}

inline Bytes random_bytes(std::size_t n, std::uint64_t seed = 1) {
  Bytes bytes(n);
  for (std::size_t i = 0; i < n; ++i)
    bytes[i] = static_cast<std::uint8_t>(snag::philox(seed, snag::Stream::sample, 999, i).word[0]);
  return bytes;
}

inline Bytes gzip(const Bytes& bytes) {
  z_stream z{};
  Bytes out(bytes.size() + bytes.size() / 100 + 100);
  if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::runtime_error("deflateInit2");
  Bytes in = bytes;
  z.next_in = in.data();
  z.avail_in = static_cast<uInt>(in.size());
  z.next_out = out.data();
  z.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  if (status != Z_STREAM_END) throw std::runtime_error("deflate");
  return out;
}

// per_class[c] images of class c, 4 x 4 noise, the classes mixed.
inline snag::LabelledImages make_data(std::vector<int> per_class, std::uint64_t seed = 1) {
  snag::LabelledImages data;
  for (bool more = true; more;) {
    more = false;
    for (std::size_t c = 0; c < per_class.size(); ++c)
      if (per_class[c]-- > 0) {
        data.labels.push_back(static_cast<std::uint8_t>(c));
        more = true;
      }
  }
  data.images = {static_cast<int>(data.labels.size()), 4, 4, random_bytes(data.labels.size() * 16, seed)};
  return data;
}

inline snag::LabelledImages make_data(int per_class) {
  return make_data(std::vector<int>(snag::class_count, per_class));
}

// Checks that f() throws a snag::Error with this code, on one line, whose message has `part` in it.
template <typename F>
void check_error(const F& f, snag::Exit code, const std::string& part) {
  try {
    f();
  } catch (const snag::Error& error) {
    const std::string message = error.what();
    CAPTURE(message);
    CAPTURE(part);
    CHECK(message.find(part) != std::string::npos);
    CHECK(message.find('\n') == std::string::npos);
    CHECK(static_cast<int>(error.code()) == static_cast<int>(code));
    return;
  }
  FAIL_CHECK("no error, expected: " << part);
}

}  // namespace data_test
