#pragma once
#include <csignal>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/follow.h"

namespace snag {

// The image files that arguments name, a few at a time: files; folders, all pictures in them however deep; "-", a path
// a line on standard input. With `follow`, the only argument is a folder: its pictures, then those that come.
class PathStream {
 public:
  // `stop` becomes not 0 when the stream should end early. Throws Exit::usage where `follow` does not fit the inputs.
  PathStream(std::vector<std::string> inputs, bool follow, const volatile std::sig_atomic_t& stop);

  struct Item {
    std::filesystem::path path;
    std::filesystem::path name;  // below the folder that was given, or its last part
  };
  // At most `most` paths, as soon as any are known; none at the end. Waits for standard input or for new files. Throws
  // Exit::io for what is not there, Exit::data for a folder without pictures.
  std::vector<Item> next(std::size_t most);

 private:
  void open(const std::string& input);
  void read_lines();
  void add(const std::vector<std::filesystem::path>& paths, const std::filesystem::path& below);

  std::deque<std::string> inputs_;
  std::deque<Item> known_;
  std::optional<Follower> follower_;
  std::filesystem::path followed_;
  bool lines_ = false;  // standard input is being read
  std::string line_;    // its last one, as far as it has come
  const volatile std::sig_atomic_t& stop_;
};

}  // namespace snag
