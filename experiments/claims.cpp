#include "experiments/claims.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/file.h"

namespace snag {
namespace {

namespace fs = std::filesystem;

// Where process numbers mean the same: this boot of this machine, in this namespace.
std::string place() {
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  std::string boot;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot);
  std::error_code unknown;
  const std::string space = fs::read_symlink("/proc/self/ns/pid", unknown).string();
  return std::string(host) + " " + boot + " " + space;
}

// The process that the file names, where it is one of this machine.
std::optional<pid_t> local_process(const std::string& path) {
  std::ifstream file(path);
  std::string where;
  pid_t process = 0;
  if (!std::getline(file, where) || !(file >> process) || where != place()) return std::nullopt;
  return process;
}

}  // namespace

Claims::Claims(std::string folder, std::chrono::duration<double> patience)
    : folder_(std::move(folder)), patience_(std::chrono::duration_cast<Clock::duration>(patience)) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw Error(Exit::io, "cannot make the folder " + folder_ + ": " + error.message() + "; choose another");
  std::string name = folder_ + "/owner-XXXXXX";  // whatever the machine, no two are the same
  Descriptor file(::mkstemp(name.data()));
  if (!file.valid()) fail_io(name, "cannot write", errno);
  owner_ = name;
  if (const int failed = write_all(file.get(), place() + "\n" + std::to_string(::getpid()) + "\n"); failed != 0)
    fail_io(owner_, "cannot write", failed);
  ::fchmod(file.get(), 0644);
}

Claims::~Claims() {
  while (!held_.empty()) release(std::string(held_.begin()->first));
  ::unlink(owner_.c_str());
}

std::string Claims::path(const std::string& piece, int generation) const {
  return folder_ + "/" + piece + "." + std::to_string(generation);
}

Claims::Claim Claims::newest(const std::string& piece) const {
  Claim found;
  std::error_code error;
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(piece + ".")) continue;
    int generation = 0;
    const char *first = name.data() + piece.size() + 1, *last = name.data() + name.size();
    const auto [stop, bad] = std::from_chars(first, last, generation);
    if (bad == std::errc{} && stop == last && generation > found.generation)
      found = {generation, entry->path().string()};
  }
  if (error) throw Error(Exit::io, "cannot read the folder " + folder_ + ": " + error.message());
  return found;
}

bool Claims::dead(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return false;  // just released: look again later
  if (const auto process = local_process(path); process && ::kill(*process, 0) != 0 && errno == ESRCH) return true;
  const long long heartbeat = status.st_mtim.tv_sec * 1'000'000'000LL + status.st_mtim.tv_nsec;
  const auto now = Clock::now();
  const auto [seen, first_time] = watched_.try_emplace(path, Watched{heartbeat, now});
  if (!first_time && seen->second.heartbeat == heartbeat) return now - seen->second.since > patience_;
  seen->second = {heartbeat, now};
  return false;
}

bool Claims::take(const std::string& piece) {
  if (held_.contains(piece)) return true;
  const Claim other = newest(piece);
  if (other.generation > 0 && !dead(other.path)) return false;
  const std::string mine = path(piece, other.generation + 1);
  if (::link(owner_.c_str(), mine.c_str()) == 0) {
    held_[piece] = other.generation + 1;
    return true;
  }
  if (errno == EEXIST) return false;
  fail_io(mine, "cannot make a hard link", errno);
}

std::set<std::string> Claims::beat() {
  if (::utimensat(AT_FDCWD, owner_.c_str(), nullptr, 0) != 0) fail_io(owner_, "cannot touch", errno);
  std::set<std::string> lost;
  for (const auto& [piece, generation] : held_)
    if (newest(piece).generation != generation) lost.insert(piece);
  for (const std::string& piece : lost) held_.erase(piece);
  return lost;
}

// Older generations, of the dead, go first: the piece must not look like theirs for a moment.
void Claims::release(const std::string& piece) {
  const auto held = held_.find(piece);
  if (held == held_.end()) return;
  for (int generation = 1; generation <= held->second; ++generation) ::unlink(path(piece, generation).c_str());
  held_.erase(held);
}

}  // namespace snag
