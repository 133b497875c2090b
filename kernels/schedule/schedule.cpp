#include "kernels/schedule/schedule.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace snag {
namespace {

bool conflict(const Task& a, const Task& b) {
  for (const Operand& x : a.operands)
    for (const Operand& y : b.operands)
      if (conflict(x, y)) return true;
  return false;
}

constexpr int kNotYet = -1;

class Scheduler {
 public:
  explicit Scheduler(std::span<const Task> tasks)
      : tasks_(tasks), before_(tasks.size()), height_(tasks.size(), 0), done_(tasks.size(), 0) {
    for (std::size_t j = 0; j < size(); ++j)
      for (std::size_t i = 0; i < j; ++i)
        if (conflict(tasks[i], tasks[j])) before_[j].push_back(i);
    for (std::size_t j = size(); j-- > 0;) {
      height_[j] += !tasks[j].glue;
      for (const std::size_t i : before_[j]) height_[i] = std::max(height_[i], height_[j]);
    }
  }

  std::vector<Launch> run() {
    std::vector<Launch> launches;
    const auto add = [&](Launch next) {
      if (next.phases.empty()) return;
      for (const auto& phase : next.phases)
        for (const int i : phase) done_[static_cast<std::size_t>(i)] = 1, --left_;
      launches.push_back(std::move(next));
    };
    while (left_ > 0) {
      const std::vector<int> phase = glue_phases();
      const std::vector<int> next = products(after(phase));
      add(glue(phase, next));
      if (!next.empty()) add({{next}});
    }
    return launches;
  }

 private:
  std::size_t size() const { return tasks_.size(); }

  // For each task that is glue and waits for no product: the first phase that it may run in, were all of them run now.
  std::vector<int> glue_phases() const {
    std::vector<int> phase(size(), kNotYet);
    for (std::size_t i = 0; i < size(); ++i) {
      if (done_[i] || !tasks_[i].glue) continue;
      int first = 0;
      for (const std::size_t b : before_[i])
        if (!done_[b]) first = phase[b] == kNotYet || first == kNotYet ? kNotYet : std::max(first, phase[b] + 1);
      phase[i] = first;
    }
    return phase;
  }
  // What is done when they have run.
  std::vector<char> after(const std::vector<int>& phase) const {
    std::vector<char> done = done_;
    for (std::size_t i = 0; i < size(); ++i) done[i] |= phase[i] != kNotYet;
    return done;
  }

  // The glue that the products `next` wait for, and what else fits into as many phases; where nothing is next, all.
  // One phase of one program is left so: its launch needs not be one of glue.
  Launch glue(const std::vector<int>& phase, const std::vector<int>& next) const {
    std::vector<char> urgent(size(), next.empty());
    for (const int p : next) urgent[static_cast<std::size_t>(p)] = 1;
    int phases = 0;
    std::set<int> programs;
    for (std::size_t i = size(); i-- > 0;) {
      if (!urgent[i]) continue;
      for (const std::size_t b : before_[i]) urgent[b] = 1;
      if (phase[i] == kNotYet) continue;
      phases = std::max(phases, phase[i] + 1);
      programs.insert(tasks_[i].program);
    }
    const bool alone = phases == 1 && programs.size() == 1;
    Launch launch;
    launch.phases.resize(static_cast<std::size_t>(phases));
    for (std::size_t i = 0; i < size(); ++i)
      if (phase[i] != kNotYet && phase[i] < phases && (urgent[i] || !alone))
        launch.phases[static_cast<std::size_t>(phase[i])].push_back(static_cast<int>(i));
    return launch;
  }

  bool ready(std::size_t i, const std::vector<char>& done) const {
    return std::all_of(before_[i].begin(), before_[i].end(), [&](std::size_t b) { return done[b]; });
  }

  // Would more tasks of the program be ready if all others ran first as far as they can?
  bool worth_waiting(int program, const std::vector<char>& now) const {
    std::vector<char> done = now;
    for (std::size_t i = 0; i < size(); ++i) {
      if (done[i] || !ready(i, done)) continue;
      if (tasks_[i].glue || tasks_[i].program != program)
        done[i] = 1;
      else if (!ready(i, now))
        return true;
    }
    return false;
  }

  // The products of one program that are ready when `done` is done: of one that gains nothing by waiting, or, where all
  // would, of the one on the longest way to the end. None where there are none.
  std::vector<int> products(const std::vector<char>& done) const {
    std::map<int, std::vector<int>> by_program;
    for (std::size_t i = 0; i < size(); ++i)
      if (!done[i] && !tasks_[i].glue && ready(i, done)) by_program[tasks_[i].program].push_back(static_cast<int>(i));
    std::vector<int> chosen;
    std::pair<bool, int> best_rank;
    for (const auto& [program, members] : by_program) {
      int height = 0;
      for (const int i : members) height = std::max(height, height_[static_cast<std::size_t>(i)]);
      const std::pair rank{!worth_waiting(program, done), height};
      if (chosen.empty() || rank > best_rank) chosen = members, best_rank = rank;
    }
    if (chosen.empty()) return chosen;
    std::stable_sort(chosen.begin(), chosen.end(), [&](int a, int b) {
      return height_[static_cast<std::size_t>(a)] > height_[static_cast<std::size_t>(b)];
    });
    chosen.resize(
        std::min(chosen.size(), static_cast<std::size_t>(tasks_[static_cast<std::size_t>(chosen[0])].capacity)));
    return chosen;
  }

  std::span<const Task> tasks_;
  std::vector<std::vector<std::size_t>> before_;  // the earlier tasks that a task waits for
  std::vector<int> height_;                       // products on the longest way from a task to the end
  std::vector<char> done_;
  std::size_t left_ = tasks_.size();
};

}  // namespace

std::vector<Launch> schedule(std::span<const Task> tasks) { return Scheduler(tasks).run(); }

}  // namespace snag
