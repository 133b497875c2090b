#include "data/path_stream.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "data/byte_reader.h"
#include "data/image_folder.h"

namespace snag {
namespace fs = std::filesystem;

PathStream::PathStream(std::vector<std::string> inputs, bool follow, const volatile std::sig_atomic_t& stop)
    : inputs_(inputs.begin(), inputs.end()), stop_(stop) {
  if (!follow) return;
  if (inputs.size() != 1 || !fs::is_directory(inputs[0]))
    throw Error(Exit::usage, "--follow watches one folder: give it alone");
  follower_.emplace(inputs[0]);
  followed_ = inputs[0];
  inputs_.clear();
  add(pictures_in(followed_), followed_);
  // What came between watching and listing is in both.
  std::vector<fs::path> both = follower_->take();
  std::erase_if(both, [&](const fs::path& p) {
    return std::any_of(known_.begin(), known_.end(), [&](const Item& i) { return i.path == p; });
  });
  add(both, followed_);
}

void PathStream::add(const std::vector<fs::path>& paths, const fs::path& below) {
  for (const fs::path& path : paths)
    known_.push_back({path, below.empty() ? path.filename() : path.lexically_relative(below)});
}

void PathStream::open(const std::string& input) {
  std::error_code error;
  if (input == "-") {
    lines_ = true;
  } else if (fs::is_directory(input, error)) {
    const std::vector<fs::path> paths = pictures_in(input);
    if (paths.empty()) fail_at(Exit::data, input, "holds no .png, .jpg or .jpeg file; give another folder");
    add(paths, input);
  } else {
    add({input}, {});
  }
}

void PathStream::read_lines() {
  pollfd ready{STDIN_FILENO, POLLIN, 0};
  if (::poll(&ready, 1, 200) <= 0) return;  // so that a stop is seen
  std::array<char, 65536> buffer;
  const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
  if (got < 0 && errno != EINTR)
    throw Error(Exit::io, std::string("standard input cannot be read: ") + std::strerror(errno));
  if (got == 0) {
    lines_ = false;
    if (!line_.empty()) add({line_}, {});
    line_.clear();
  }
  for (ssize_t i = 0; i < got; ++i) {
    if (buffer[static_cast<std::size_t>(i)] != '\n') {
      line_ += buffer[static_cast<std::size_t>(i)];
    } else {
      if (!line_.empty()) add({line_}, {});
      line_.clear();
    }
  }
}

std::vector<PathStream::Item> PathStream::next(std::size_t most) {
  while (known_.empty() && !stop_) {
    if (lines_) {
      read_lines();
    } else if (!inputs_.empty()) {
      open(inputs_.front());
      inputs_.pop_front();
    } else if (follower_) {
      add(follower_->wait(stop_), followed_);
    } else {
      break;
    }
  }
  std::vector<Item> items;
  while (!stop_ && !known_.empty() && items.size() < most) {
    items.push_back(std::move(known_.front()));
    known_.pop_front();
  }
  return items;
}

}  // namespace snag
