#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/descriptor.h"

namespace snag {

// Files, read and written whole or line by line. Every failure is an Error of code Exit::io that names the path,
// the system's reason and what to do.
//
// A program that wants an Error, not a signal, when it meets its file size limit or writes into a closed pipe
// ignores SIGXFSZ and SIGPIPE.

// The whole content of a regular file or of a pipe.
std::string read_file(const std::string& path);

// Replaces the content of `path`, all or nothing: whatever fails, and whenever the machine stops, `path` holds its old
// content or the new one. The bytes go to PATH.tmp-PID-N in the same folder, which is synced, renamed and the folder
// synced; a failure removes it. The permissions of an existing file are kept and a symbolic link to it stays a link.
// What is no regular file (/dev/stdout, a pipe) has no content to protect and is written directly.
void write_file(const std::string& path, std::string_view bytes);

// A file that grows by whole lines or records: a log, a table of metrics. One that cannot be written is cut off again.
class AppendFile {
 public:
  // Opens or creates `path`. With `keep`, cuts the file to its first `keep` bytes: rows after a checkpoint go when
  // training resumes from it; a file shorter than `keep` is an error, as rows would be missing. Without `keep`, a last
  // line that a crash left without its end is ended.
  explicit AppendFile(std::string path, std::optional<std::int64_t> keep = std::nullopt);

  // Appends `text` and a newline in one write: the line is visible to other programs on return.
  void line(std::string_view text);
  // The same for `record` as it is, for files that are not text.
  void append(std::string_view record);
  // Returns when the lines are on the disk. Call it before a checkpoint records size().
  void sync();
  // Bytes in the file: the `keep` of a later resumption.
  std::int64_t size() const { return size_; }

 private:
  std::string path_;
  Descriptor file_;
  std::int64_t size_ = 0;
};

// SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
std::string sha256(std::string_view bytes);

}  // namespace snag
