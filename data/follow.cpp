#include "data/follow.h"

#include <poll.h>
#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "data/byte_reader.h"
#include "data/image_folder.h"
#include "data/picture.h"

namespace snag {
namespace fs = std::filesystem;

Follower::Follower(const fs::path& dir) : events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (!events_.valid()) fail_at(Exit::io, dir, std::string("cannot be watched: ") + std::strerror(errno));
  watch(dir);
}

void Follower::watch(const fs::path& dir) {
  const int id = ::inotify_add_watch(events_.get(), dir.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR);
  if (id < 0) fail_at(Exit::io, dir, std::string("cannot be watched: ") + std::strerror(errno));
  folders_[id] = dir;
  std::error_code gone;
  for (const fs::directory_entry& entry : fs::directory_iterator(dir, gone))
    if (entry.is_directory(gone) && !entry.is_symlink(gone)) watch(entry.path());
}

std::vector<fs::path> Follower::take() {
  std::vector<fs::path> found;
  alignas(inotify_event) std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t got = ::read(events_.get(), buffer.data(), buffer.size());
    if (got <= 0) break;  // nothing more for now
    for (const char* at = buffer.data(); at < buffer.data() + got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      at += sizeof *event + event->len;
      if (event->mask & IN_Q_OVERFLOW)
        throw Error(Exit::io, "more files came at once than the system keeps track of: start again");
      if (event->len == 0) continue;
      const fs::path path = folders_[event->wd] / event->name;
      if (event->mask & IN_ISDIR) {
        watch(path);
        const std::vector<fs::path> inside = pictures_in(path);  // what came before the watch
        found.insert(found.end(), inside.begin(), inside.end());
      } else if (!(event->mask & IN_CREATE) && names_picture(path)) {
        found.push_back(path);
      }
    }
  }
  // A file that is written again at once is one picture.
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::vector<fs::path> Follower::wait(const volatile std::sig_atomic_t& stop) {
  while (!stop) {
    pollfd ready{events_.get(), POLLIN, 0};
    ::poll(&ready, 1, 200);  // a signal that comes just before it is seen 0.2 s later
    if (std::vector<fs::path> found = take(); !found.empty()) return found;
  }
  return {};
}

}  // namespace snag
