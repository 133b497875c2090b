#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "kernels/schedule/operands.h"

namespace snag {

// How the works of a recorded step are launched: as a graph, in which a launch begins when those have ended that it
// waits for, beside all others.
//
// Works of one program, what the device runs, may share a launch: small ones do, as what they cost is their launch,
// where they are equally far from the step's beginning, so that none waits for another. So two networks advance layer
// by layer together. What fills the device by itself begins as soon as it may.
struct Task {
  std::vector<Operand> operands;
  int program = 0;
  int capacity = 1;  // the most tasks of the program in one launch
  bool small = true;
};

// Tasks and launches go by their numbers.
struct Launch {
  std::vector<int> tasks;   // of one program
  std::vector<int> after;   // launches that must have ended; not those that one of these waits for
  std::vector<char> waits;  // for each earlier launch: must it have ended, be it by way of others?
};

// The launches, in an order in which they may be run one after another, too. Of two tasks that conflict the later one's
// launch waits for the earlier one's, so the results are those of the tasks in order, bit for bit.
std::vector<Launch> schedule(std::span<const Task> tasks);

// How many launches of the longest chain, of which each waits for the one before.
int longest_chain(std::span<const Launch> launches);

// Memory that each launch needs while it runs. Launches that cannot run at once may have the same.
struct Places {
  std::vector<std::size_t> begin;  // of each launch's
  std::size_t size = 0;            // of all
};
Places place(std::span<const Launch> launches, std::span<const std::size_t> sizes);

}  // namespace snag
