#pragma once
#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"

namespace snag {

// Throws "/full/path: what".
[[noreturn]] void fail_at(Exit code, const std::filesystem::path& path, const std::string& what);

// The bytes of a regular file in order, decompressed when it starts with gzip's magic bytes 1f 8b, whatever its name.
// zlib's own gzread is not used: it reports a truncated file as its end and ignores what follows the gzip data.
// Throws Exit::io for a file that cannot be opened or read, Exit::data for bad gzip data.
class ByteReader {
 public:
  explicit ByteReader(std::filesystem::path path);
  ~ByteReader();
  ByteReader(const ByteReader&) = delete;
  ByteReader& operator=(const ByteReader&) = delete;

  // Fills `to` and returns its size, or less at the end of the data. A read that meets the end of gzip data has also
  // checked its CRC and length, so ask for one byte more than expected before believing the data.
  std::size_t read(std::span<std::uint8_t> to);

  // The most bytes that a file of this size can hold: what a header promises beyond it is not there.
  std::uint64_t most() const;

  const std::filesystem::path& path() const { return path_; }

 private:
  void refill();
  std::size_t read_plain(std::span<std::uint8_t> to);
  std::size_t read_gzip(std::span<std::uint8_t> to);

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::uint64_t file_size_ = 0;
  std::vector<std::uint8_t> buffer_;  // file bytes; z_.next_in and z_.avail_in say which are still unread
  z_stream z_{};
  bool gzip_ = false;
  bool in_member_ = false;  // inside one of the gzip members that make up the file
  bool first_member_ = true;
};

}  // namespace snag
