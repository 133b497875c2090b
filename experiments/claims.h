#pragma once
#include <chrono>
#include <map>
#include <set>
#include <string>

namespace snag {

// How processes, on one machine or several, share work through a common folder: each piece is claimed by one of them.
//
// A process has a file of its own, OWNER, which names it; a claim on piece P is a hard link P.G to that file, whose
// making is atomic and fails where P.G exists. G is a generation: the claim with the highest one counts. Touching the
// owner's file is the heartbeat of all its claims. Whose heartbeat stood still for `patience` seconds of the watcher's
// own clock (machines' clocks may differ), or whose process is gone from this machine, is dead; then its claim P.G is
// taken over by making P.(G+1), in which only one process can succeed.
class Claims {
 public:
  using Clock = std::chrono::steady_clock;

  // Makes the folder. Throws Error{Exit::io}, also where the file system has no hard links.
  explicit Claims(std::string folder, std::chrono::duration<double> patience = std::chrono::seconds(60));
  ~Claims();
  Claims(const Claims&) = delete;
  Claims& operator=(const Claims&) = delete;

  // True when this process now holds `piece`, which no living process held.
  bool take(const std::string& piece);
  // Shows that this process lives: call it every few seconds. Returns the pieces that others have taken over meanwhile
  // (this process must have been stopped for a while): they are no longer its own.
  std::set<std::string> beat();
  void release(const std::string& piece);

 private:
  struct Claim {
    int generation = 0;  // 0: none
    std::string path;
  };
  struct Watched {
    long long heartbeat;
    Clock::time_point since;
  };
  Claim newest(const std::string& piece) const;
  bool dead(const std::string& path);
  std::string path(const std::string& piece, int generation) const;

  std::string folder_, owner_;
  Clock::duration patience_;
  std::map<std::string, int> held_;  // piece: generation
  std::map<std::string, Watched> watched_;
};

}  // namespace snag
