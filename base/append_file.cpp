#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/error.h"

namespace snag {

AppendFile::AppendFile(std::string path, std::optional<std::int64_t> keep) : path_(std::move(path)) {
  const int create = keep.value_or(0) > 0 ? 0 : O_CREAT;
  file_ = open_file(path_, O_RDWR | O_APPEND | create, "cannot append");
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) {
    fail_io(path_, "cannot append", errno);
  }
  if (!S_ISREG(status.st_mode)) {
    return;  // a device or a pipe has nothing to keep or to end
  }
  size_ = status.st_size;
  if (keep) {
    if (*keep < 0 || *keep > size_) {
      throw Error(Exit::io, path_ + ": cannot append: it has " + std::to_string(size_) + " bytes where " +
                                std::to_string(*keep) + " are to be kept; restore it, or start a new file");
    }
    if (::ftruncate(file_.get(), *keep) != 0) {
      fail_io(path_, "cannot cut", errno);
    }
    size_ = *keep;
    return;
  }
  char last = '\n';
  if (size_ > 0 && ::pread(file_.get(), &last, 1, size_ - 1) == 1 && last != '\n') {
    append("\n");
  }
}

void AppendFile::line(std::string_view text) { append(std::string(text) + '\n'); }

void AppendFile::append(std::string_view record) {
  if (const int error = write_all(file_.get(), record); error != 0) {
    // Best effort: half a row would spoil the table. Not a regular file: nothing to cut.
    [[maybe_unused]] const int cut = ::ftruncate(file_.get(), size_);
    fail_io(path_, "cannot append", error);
  }
  size_ += static_cast<std::int64_t>(record.size());
}

void AppendFile::sync() {
  // EINVAL: a device or a pipe, which has no disk behind it.
  if (::fsync(file_.get()) != 0 && errno != EINVAL) {
    fail_io(path_, "cannot write", errno);
  }
}

}  // namespace snag
