#include "bench/cpu/timing.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace snag::bench {
namespace {

constexpr int kTurns = 6;
// How long others are waited for at a time, and at most for the sake of one piece of work.
constexpr std::chrono::milliseconds kNap{3}, kWarmUp{8};
constexpr std::chrono::duration<double> kMostPatience{2};

// Threads of this process that run or spin.
int own_running() {
  int running = 0;
  std::error_code absent;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", absent)) {
    std::ifstream file(thread.path() / "stat");  // number (name) state ...
    std::string line;
    std::getline(file, line);
    const std::size_t end = line.rfind(") ");
    running += end != std::string::npos && line[end + 2] == 'R';
  }
  return running;
}

double microseconds(const Contender& c, int calls) {
  return 1e6 * seconds([&] {
           for (int i = 0; i < calls; ++i) c.call();
         });
}

// How many calls take `least_us`.
int calls_needed(const Contender& c, double least_us) {
  c.call();
  int calls = 1;
  for (double us = microseconds(c, calls); us < least_us && calls < 1 << 20; us = microseconds(c, calls)) calls *= 2;
  return calls;
}

struct Turn {
  std::vector<double> us = {};
  bool disturbed = false;
};

// Repeats without a gap, in which threads would fall asleep, after one that wakes them and brings the data back into
// the caches; all of it again until it is quiet or patience ends.
Turn take_turn(const Contender& c, int repeats, int calls, std::chrono::duration<double>& patience) {
  for (;;) {
    const auto begin = std::chrono::steady_clock::now();
    Turn turn{.disturbed = others_run()};
    do (void)microseconds(c, calls);
    while (std::chrono::steady_clock::now() - begin < kWarmUp);
    for (int i = 0; i < repeats; ++i) turn.us.push_back(microseconds(c, calls) / calls);
    turn.disturbed = turn.disturbed || others_run();
    if (!turn.disturbed || patience.count() <= 0) return turn;
    std::this_thread::sleep_for(kNap);
    patience -= std::chrono::steady_clock::now() - begin;
  }
}

Timed timed(const std::vector<double>& us, int disturbed) {
  const double median = quantile(us, 0.5);
  return {.us = median,
          .spread = (quantile(us, 0.75) - quantile(us, 0.25)) / median,
          .repeats = static_cast<int>(us.size()),
          .disturbed = disturbed};
}

}  // namespace

bool others_run() {
  std::ifstream file("/proc/loadavg");  // three averages, then runnable/all
  double average = 0;
  int runnable = 0;
  return file >> average >> average >> average >> runnable && runnable > own_running();
}

double seconds(const std::function<void()>& work) {
  const auto before = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
}

double quantile(std::vector<double> values, double share) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

std::vector<Timed> in_turn(const std::vector<Contender>& contenders, Effort& effort) {
  const int turns = std::min(kTurns, effort.repeats), each = (effort.repeats + turns - 1) / turns;
  std::vector<int> calls;
  for (const Contender& c : contenders) {
    calls.push_back(calls_needed(c, effort.least_us));
    std::this_thread::sleep_for(c.settle);
  }
  std::vector<std::vector<double>> all(contenders.size());
  std::vector<int> disturbed(contenders.size());
  const auto granted = std::min(effort.patience, kMostPatience);
  auto patience = granted;
  for (int i = 0; i < turns; ++i)
    for (std::size_t k = 0; k < contenders.size(); ++k) {
      const Turn turn = take_turn(contenders[k], each, calls[k], patience);
      all[k].insert(all[k].end(), turn.us.begin(), turn.us.end());
      disturbed[k] += turn.disturbed ? each : 0;
      std::this_thread::sleep_for(contenders[k].settle);
    }
  effort.patience -= granted - patience;
  std::vector<Timed> result;
  for (std::size_t k = 0; k < all.size(); ++k) result.push_back(timed(all[k], disturbed[k]));
  return result;
}

}  // namespace snag::bench
