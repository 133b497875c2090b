#include "data/byte_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace snag {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t buffer_size = 1 << 16;
constexpr int gzip_window = 15 + 16;          // zlib: largest window, gzip wrapper only
constexpr std::uint64_t deflate_best = 1032;  // deflate's limit: 258 bytes from 2 bits

std::FILE* open(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) fail_at(Exit::io, path, "no such file");
  if (error) fail_at(Exit::io, path, "cannot be opened: " + error.message());
  if (fs::is_directory(status)) fail_at(Exit::io, path, "is a directory, not a file");
  if (!fs::is_regular_file(status)) fail_at(Exit::io, path, "is not a regular file");
  errno = 0;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (!file) fail_at(Exit::io, path, std::string("cannot be opened: ") + std::strerror(errno));
  return file;
}

}  // namespace

void fail_at(Exit code, const fs::path& path, const std::string& what) {
  std::error_code error;
  const fs::path full = fs::absolute(path, error);
  throw Error(code, (error ? path : full).string() + ": " + what);
}

ByteReader::ByteReader(fs::path path) : path_(std::move(path)), file_(open(path_), std::fclose), buffer_(buffer_size) {
  std::error_code error;
  file_size_ = fs::file_size(path_, error);
  if (error) fail_at(Exit::io, path_, "has no readable size: " + error.message());
  refill();
  gzip_ = z_.avail_in >= 2 && buffer_[0] == 0x1f && buffer_[1] == 0x8b;
  if (gzip_ && inflateInit2(&z_, gzip_window) != Z_OK) fail_at(Exit::device, path_, "no memory to decompress it");
  in_member_ = gzip_;
}

ByteReader::~ByteReader() {
  if (gzip_) inflateEnd(&z_);
}

std::uint64_t ByteReader::most() const { return gzip_ ? file_size_ * deflate_best : file_size_; }

std::size_t ByteReader::read(std::span<std::uint8_t> to) { return gzip_ ? read_gzip(to) : read_plain(to); }

void ByteReader::refill() {
  errno = 0;
  const std::size_t got = std::fread(buffer_.data(), 1, buffer_.size(), file_.get());
  if (std::ferror(file_.get())) fail_at(Exit::io, path_, std::string("cannot be read: ") + std::strerror(errno));
  z_.next_in = buffer_.data();
  z_.avail_in = static_cast<uInt>(got);
}

std::size_t ByteReader::read_plain(std::span<std::uint8_t> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    if (z_.avail_in == 0) refill();
    if (z_.avail_in == 0) break;
    const std::size_t step = std::min<std::size_t>(z_.avail_in, to.size() - done);
    std::memcpy(to.data() + done, z_.next_in, step);
    z_.next_in += step;
    z_.avail_in -= static_cast<uInt>(step);
    done += step;
  }
  return done;
}

std::size_t ByteReader::read_gzip(std::span<std::uint8_t> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    if (z_.avail_in == 0) refill();
    if (z_.avail_in == 0) {
      if (in_member_) fail_at(Exit::data, path_, "truncated: its gzip data ends early; get the file again");
      break;
    }
    if (!in_member_) {  // what follows a complete member must be another one
      inflateReset(&z_);
      in_member_ = true;
      first_member_ = false;
    }
    const auto step = static_cast<uInt>(std::min<std::size_t>(to.size() - done, 1 << 30));
    z_.next_out = to.data() + done;
    z_.avail_out = step;
    const int status = inflate(&z_, Z_NO_FLUSH);
    done += step - z_.avail_out;
    if (status == Z_STREAM_END) {
      in_member_ = false;
    } else if (status == Z_MEM_ERROR) {
      fail_at(Exit::device, path_, "no memory to decompress it");
    } else if (status != Z_OK && status != Z_BUF_ERROR) {  // Z_BUF_ERROR: all input used, so the loop fetches more
      if (!first_member_ && z_.total_out == 0)
        fail_at(Exit::data, path_, "trailing bytes after its gzip data; get the file again");
      fail_at(Exit::data, path_,
              std::string("corrupt gzip data (") + (z_.msg ? z_.msg : "zlib error") + "); get the file again");
    }
  }
  return done;
}

}  // namespace snag
