#include "kernels/schedule/schedule.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace snag {
namespace {

bool conflict(const Task& a, const Task& b) {
  for (const Operand& x : a.operands)
    for (const Operand& y : b.operands)
      if (conflict(x, y)) return true;
  return false;
}

// The earlier tasks that each task conflicts with.
std::vector<std::vector<int>> tasks_before(std::span<const Task> tasks) {
  std::vector<std::vector<int>> before(tasks.size());
  for (std::size_t j = 0; j < tasks.size(); ++j)
    for (std::size_t i = 0; i < j; ++i)
      if (conflict(tasks[i], tasks[j])) before[j].push_back(static_cast<int>(i));
  return before;
}

// Tasks of a launch are equally deep, and each conflicts only with such as are less so: in order of depth no launch
// comes before one that it waits for.
std::vector<Launch> grouped(std::span<const Task> tasks, const std::vector<std::vector<int>>& before) {
  constexpr int kShared = -1;
  std::vector<int> depth(tasks.size(), 0);
  std::map<std::tuple<int, int, int>, std::vector<int>> groups;  // by depth, program, and what is alone by its number
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const int number = static_cast<int>(i);
    for (const int b : before[i]) depth[i] = std::max(depth[i], depth[static_cast<std::size_t>(b)] + 1);
    groups[{depth[i], tasks[i].program, tasks[i].small ? kShared : number}].push_back(number);
  }
  std::vector<Launch> launches;
  for (const auto& [key, members] : groups) {
    const auto most = static_cast<std::size_t>(tasks[static_cast<std::size_t>(members[0])].capacity);
    for (std::size_t i = 0; i < members.size(); i += most) {
      const auto begin = members.begin() + static_cast<std::ptrdiff_t>(i);
      launches.push_back({{begin, begin + static_cast<std::ptrdiff_t>(std::min(most, members.size() - i))}, {}, {}});
    }
  }
  return launches;
}

}  // namespace

std::vector<Launch> schedule(std::span<const Task> tasks) {
  const std::vector<std::vector<int>> before = tasks_before(tasks);
  std::vector<Launch> launches = grouped(tasks, before);
  std::vector<int> launch_of(tasks.size());
  for (std::size_t l = 0; l < launches.size(); ++l) {
    Launch& launch = launches[l];
    std::vector<char> direct(l, 0);
    for (const int t : launch.tasks) {
      launch_of[static_cast<std::size_t>(t)] = static_cast<int>(l);
      for (const int b : before[static_cast<std::size_t>(t)])
        direct[static_cast<std::size_t>(launch_of[static_cast<std::size_t>(b)])] = 1;
    }
    launch.waits.assign(l, 0);
    for (std::size_t d = l; d-- > 0;) {
      if (!direct[d] || launch.waits[d]) continue;
      launch.after.push_back(static_cast<int>(d));
      launch.waits[d] = 1;
      for (std::size_t e = 0; e < d; ++e) launch.waits[e] |= launches[d].waits[e];
    }
  }
  return launches;
}

int longest_chain(std::span<const Launch> launches) {
  std::vector<int> length;
  int longest = 0;
  for (const Launch& launch : launches) {
    int before = 0;
    for (const int a : launch.after) before = std::max(before, length[static_cast<std::size_t>(a)]);
    length.push_back(before + 1);
    longest = std::max(longest, before + 1);
  }
  return longest;
}

// Each takes over the smallest piece that suits it of those whose last user has ended, or a new one.
Places place(std::span<const Launch> launches, std::span<const std::size_t> sizes) {
  struct Piece {
    std::size_t begin, size, user;
  };
  std::vector<Piece> pieces;
  Places places;
  for (std::size_t l = 0; l < launches.size(); ++l) {
    Piece* best = nullptr;
    for (Piece& p : pieces)
      if (p.size >= sizes[l] && launches[l].waits[p.user] && (!best || p.size < best->size)) best = &p;
    if (sizes[l] > 0 && !best) {
      best = &pieces.emplace_back(Piece{places.size, sizes[l], l});
      places.size += sizes[l];
    }
    if (sizes[l] > 0) best->user = l;
    places.begin.push_back(sizes[l] > 0 ? best->begin : 0);
  }
  return places;
}

}  // namespace snag
