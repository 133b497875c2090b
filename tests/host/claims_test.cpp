#include "experiments/claims.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>
#include <vector>

#include "base/file.h"
#include "tests/error_of.h"
#include "tests/temp_folder.h"

namespace snag {
namespace {

using namespace std::chrono_literals;

// Runs `f` in another process; its exit code.
template <class F>
int elsewhere(F f) {
  const pid_t process = ::fork();
  if (process == 0) ::_exit(f());
  int status = 0;
  ::waitpid(process, &status, 0);
  return WEXITSTATUS(status);
}

TEST_CASE("a piece is claimed by one, until it is released") {
  const TempFolder folder;
  Claims a(folder / "claims"), b(folder / "claims");
  CHECK(a.take("piece"));
  CHECK(a.take("piece"));  // still its own
  CHECK(!b.take("piece"));
  CHECK(b.take("piece-2"));  // a name that begins alike is another piece
  a.release("piece");
  CHECK(b.take("piece"));
  CHECK(!a.take("piece"));
}

TEST_CASE("claims end with their owner, and nothing is left behind") {
  const TempFolder folder;
  { Claims(folder / "claims").take("piece"); }
  CHECK(std::filesystem::is_empty(folder / "claims"));
}

TEST_CASE("what a killed process of this machine had claimed is taken over at once, by one") {
  const TempFolder folder;
  CHECK(elsewhere([&] {
          Claims dead(folder / "claims");
          ::_exit(dead.take("piece") ? 7 : 1);  // no destructor runs
          return 0;
        }) == 7);
  Claims a(folder / "claims"), b(folder / "claims");
  CHECK(a.take("piece"));
  CHECK(!b.take("piece"));
  a.release("piece");
  CHECK(b.take("piece"));
}

TEST_CASE("a claim of another machine is taken over when its heartbeat has stood still for the patience") {
  const TempFolder folder;
  Claims watcher(folder / "claims", 300ms);
  write_file(folder / "claims/piece.4", "another machine\n1\n");
  CHECK(!watcher.take("piece"));
  std::this_thread::sleep_for(200ms);
  std::filesystem::last_write_time(folder / "claims/piece.4", std::filesystem::file_time_type::clock::now());
  CHECK(!watcher.take("piece"));  // it lives: patience begins anew
  std::this_thread::sleep_for(200ms);
  CHECK(!watcher.take("piece"));
  std::this_thread::sleep_for(200ms);
  CHECK(watcher.take("piece"));
  CHECK(std::filesystem::exists(folder / "claims/piece.5"));
}

TEST_CASE("a process that was stopped for too long learns that its piece is another's") {
  const TempFolder folder;
  Claims sleeper(folder / "claims");
  CHECK(sleeper.take("lost"));
  CHECK(sleeper.take("kept"));
  CHECK(sleeper.beat().empty());
  write_file(folder / "claims/lost.2", "another machine\n1\n");
  CHECK(sleeper.beat() == std::set<std::string>{"lost"});
  CHECK(sleeper.beat().empty());
  CHECK(!sleeper.take("lost"));
}

TEST_CASE("a heartbeat touches every claim") {
  const TempFolder folder;
  Claims a(folder / "claims");
  REQUIRE(a.take("piece"));
  const auto before = std::filesystem::last_write_time(folder / "claims/piece.1");
  std::this_thread::sleep_for(20ms);
  a.beat();
  CHECK(std::filesystem::last_write_time(folder / "claims/piece.1") > before);
}

TEST_CASE("six processes that race for forty pieces, some of the dead, take each once") {
  constexpr int kPieces = 40, kProcesses = 6;
  const TempFolder folder;
  elsewhere([&] {
    Claims dead(folder / "claims");
    for (int p = 0; p < kPieces; p += 3) dead.take("p" + std::to_string(p));
    ::_exit(0);
    return 0;
  });
  std::vector<pid_t> processes;
  for (int k = 0; k < kProcesses; ++k) {
    processes.push_back(::fork());
    if (processes.back() > 0) continue;
    Claims mine(folder / "claims");
    for (int p = 0; p < kPieces; ++p)
      if (mine.take("p" + std::to_string(p)))
        write_file(folder / ("taken-" + std::to_string(p) + "-" + std::to_string(k)), "");
    while (!std::filesystem::exists(folder / "end")) std::this_thread::sleep_for(5ms);  // the dead do not count
    ::_exit(0);
  }
  const auto taken = [&] {
    int n = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
      n += entry.path().filename().string().starts_with("taken-");
    return n;
  };
  for (int wait = 0; wait < 1000 && taken() < kPieces; ++wait) std::this_thread::sleep_for(5ms);
  std::this_thread::sleep_for(50ms);
  CHECK(taken() == kPieces);
  write_file(folder / "end", "");
  for (const pid_t p : processes) ::waitpid(p, nullptr, 0);
}

TEST_CASE("a folder that cannot be made is an error that names it") {
  const TempFolder folder;
  write_file(folder / "file", "");
  check_error(error_of([&] { Claims(folder / "file/claims"); }), Exit::io, {"file/claims"});
}

}  // namespace
}  // namespace snag
