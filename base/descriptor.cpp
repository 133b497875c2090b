#include "base/descriptor.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace snag {
namespace {

const char* advice(int error) {
  switch (error) {
    case ENOENT:
      return "check the path; its folder must exist";
    case ENOTDIR:
      return "a part of the path is a file, not a folder";
    case EISDIR:
      return "name a file, not a folder";
    case EACCES:
    case EPERM:
      return "check the permissions of the file and of its folder";
    case ENOSPC:
    case EDQUOT:
      return "free some space or choose another disk";
    case EROFS:
      return "choose a path that is not read-only";
    case EFBIG:
      return "raise the file size limit (ulimit -f) or choose another disk";
    case EMFILE:
    case ENFILE:
      return "raise the limit on open files (ulimit -n)";
    case ENAMETOOLONG:
      return "choose a shorter name";
    case ENOMEM:
      return "the file does not fit in memory";
    default:
      return "check the path and the disk";
  }
}

}  // namespace

void fail_io(const std::string& path, const char* what, int error) {
  throw Error(Exit::io, path + ": " + what + ": " + std::strerror(error) + "; " + advice(error));
}

Descriptor open_file(const std::string& path, int flags, const char* what) {
  Descriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0666));
  if (!file.valid()) {
    fail_io(path, what, errno);
  }
  return file;
}

int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (n == 0 || errno != EINTR) {
      return n == 0 ? EIO : errno;
    }
  }
  return 0;
}

}  // namespace snag
