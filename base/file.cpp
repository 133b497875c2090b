#include "base/file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace snag {
namespace {

// A file beside `target` that becomes it, or disappears.
class Replacement {
 public:
  explicit Replacement(std::string target) : target_(std::move(target)) {
    static std::atomic<unsigned> next{0};  // two threads may write the same path
    const int attempts = 1000;             // process ids repeat in containers: step over what a crash left behind
    for (int attempt = 0; attempt < attempts && !file_.valid(); ++attempt) {
      name_ = target_ + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(next++);
      file_ = Descriptor(::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
      if (!file_.valid() && errno != EEXIST) {
        break;
      }
    }
    if (!file_.valid()) {
      fail_io(target_, "cannot create a temporary file beside it", errno);
    }
  }
  ~Replacement() {
    if (!done_) {
      ::unlink(name_.c_str());
    }
  }
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;

  void set_mode(mode_t mode) {
    if (::fchmod(file_.get(), mode) != 0) {
      fail_io(target_, "cannot keep its permissions", errno);
    }
  }
  void write(std::string_view bytes) {
    if (const int error = write_all(file_.get(), bytes); error != 0) {
      fail_io(target_, "cannot write", error);
    }
    // Without this sync the rename may reach the disk before the bytes do.
    if (::fsync(file_.get()) != 0 || !file_.close()) {
      fail_io(target_, "cannot write", errno);
    }
  }
  void rename() {
    if (::rename(name_.c_str(), target_.c_str()) != 0) {
      fail_io(target_, "cannot rename the temporary file to it", errno);
    }
    done_ = true;
    sync_folder();
  }

 private:
  // Makes the rename durable. A folder that may be written but not read, or whose file system has no such sync
  // (EINVAL), is left to the system.
  void sync_folder() const {
    const std::string folder = std::filesystem::path(target_).parent_path().string();
    const Descriptor handle(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (handle.valid() && ::fsync(handle.get()) != 0 && errno != EINVAL) {
      fail_io(target_, "cannot sync its folder", errno);
    }
  }

  std::string target_, name_;
  Descriptor file_;
  bool done_ = false;
};

void write_directly(const std::string& path, std::string_view bytes) {
  Descriptor file = open_file(path, O_WRONLY, "cannot write");
  if (const int error = write_all(file.get(), bytes); error != 0) {
    fail_io(path, "cannot write", error);
  }
  if (!file.close()) {
    fail_io(path, "cannot write", errno);
  }
}

}  // namespace

std::string read_file(const std::string& path) {
  const Descriptor file = open_file(path, O_RDONLY, "cannot read");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    fail_io(path, "cannot read", errno);
  }
  if (S_ISDIR(status.st_mode)) {
    fail_io(path, "cannot read", EISDIR);
  }
  if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) {
    throw Error(Exit::io, path + ": cannot read: a device has no end; name a file or a pipe");
  }
  try {
    // The size is a hint: a pipe has none, files in /proc report 0, and a file may change while it is read. The byte
    // beyond it lets the last read meet the end of the file.
    std::string bytes(static_cast<std::size_t>(status.st_size) + 1, '\0');
    for (std::size_t used = 0;;) {
      const ssize_t n = ::read(file.get(), bytes.data() + used, bytes.size() - used);
      if (n < 0 && errno != EINTR) {
        fail_io(path, "cannot read", errno);
      }
      if (n == 0) {
        bytes.resize(used);
        return bytes;
      }
      used += n > 0 ? static_cast<std::size_t>(n) : 0;
      if (used == bytes.size()) {
        bytes.resize(2 * bytes.size() + 4096);
      }
    }
  } catch (const std::bad_alloc&) {
    fail_io(path, "cannot read", ENOMEM);
  } catch (const std::length_error&) {
    fail_io(path, "cannot read", ENOMEM);
  }
}

void write_file(const std::string& path, std::string_view bytes) {
  struct stat old {};
  const bool exists = ::stat(path.c_str(), &old) == 0;
  if (exists && S_ISDIR(old.st_mode)) {
    fail_io(path, "cannot write", EISDIR);
  }
  if (exists && !S_ISREG(old.st_mode)) {
    write_directly(path, bytes);
    return;
  }
  std::error_code unresolved;
  const std::filesystem::path target = std::filesystem::canonical(path, unresolved);
  Replacement replacement(unresolved ? path : target.string());
  if (exists) {
    replacement.set_mode(old.st_mode & 07777);
  }
  replacement.write(bytes);
  replacement.rename();
}

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) {
    throw Error(Exit::io, "SHA-256 is not available in this build of OpenSSL; install one with its default provider");
  }
  const char* digits = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < length; ++i) {
    hex += digits[digest[i] >> 4];
    hex += digits[digest[i] & 15];
  }
  return hex;
}

}  // namespace snag
