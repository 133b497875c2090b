#pragma once
#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

namespace snag {

// Owns one POSIX file descriptor; -1 owns nothing.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  bool valid() const { return fd_ >= 0; }
  int get() const { return fd_; }
  // False, with errno set, when the system reports that earlier writes were lost.
  bool close() { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

// The Errors of base/file.h: PATH: what: the system's reason for `error` (an errno); what to do.
[[noreturn]] void fail_io(const std::string& path, const char* what, int error);

// ::open with O_CLOEXEC, new files readable and writable as the umask allows; throws through fail_io.
Descriptor open_file(const std::string& path, int flags, const char* what);

// Writes all of `bytes`, however many calls that takes. Returns 0, or the errno that stopped it.
int write_all(int fd, std::string_view bytes);

}  // namespace snag
