#pragma once
#include <span>
#include <vector>

#include "kernels/schedule/operands.h"

namespace snag {

// How recorded kernels share launches. A kernel belongs to a program, what the device runs.
//
// Kernels of a product program (matrix products, convolutions) share a launch when none waits for another: the two
// discriminators advance together, and the weight gradients of all their layers are one launch.
//
// All other kernels are glue, small ones: bound by nothing but their launch. Any of them share one launch, in phases: a
// kernel runs in a later phase than those it waits for. So a training step alternates between launches of products and
// launches of glue. What no next product waits for is put off, unless there are phases for it anyway.
struct Task {
  std::vector<Operand> operands;
  bool glue = false;
  int program = 0;   // products of one number may share a launch
  int capacity = 1;  // of a product: the most tasks of its program in one launch
};

// Numbers of tasks. A product's launch has one phase, of one program.
struct Launch {
  std::vector<std::vector<int>> phases;
};

// The launches, to be run one after another. Every task is in one of them, and of two tasks that conflict the earlier
// one is in an earlier launch or phase, so the results are those of the tasks in order, bit for bit.
std::vector<Launch> schedule(std::span<const Task> tasks);

}  // namespace snag
