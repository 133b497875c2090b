#pragma once
#include <csignal>
#include <filesystem>
#include <map>
#include <vector>

#include "base/descriptor.h"

namespace snag {

// New pictures in a folder and the folders in it, those that come later too: each file once it was closed after
// writing, or moved there. Throws Exit::io where the folder cannot be watched, or where more happened at once than the
// system keeps.
class Follower {
 public:
  explicit Follower(const std::filesystem::path& dir);

  // Waits for pictures; none where `stop` is not 0.
  std::vector<std::filesystem::path> wait(const volatile std::sig_atomic_t& stop);
  // Those that are there already, without waiting.
  std::vector<std::filesystem::path> take();

 private:
  void watch(const std::filesystem::path& dir);

  Descriptor events_;
  std::map<int, std::filesystem::path> folders_;
};

}  // namespace snag
