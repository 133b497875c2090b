#pragma once
#include <cstddef>
#include <variant>
#include <vector>

#include "kernels/cpu/update.h"
#include "kernels/schedule/operands.h"

namespace snag {

using Work = std::variant<Kernel, Update>;
std::vector<Operand> operands(const Work&);
void relocate(Work&, const Relocation&);

// Memory that a step took while it was recorded: addresses that no other has and nothing may read.
struct Block {
  const std::byte* begin;
  std::size_t bytes;
};

// What a step does, in order, and all memory that it takes, by ascending address.
struct Step {
  std::vector<Work> work;
  std::vector<Block> memory;
  // The number of the block that holds an address, or -1: then it lies outside the step's memory.
  int holder(const std::byte*) const;
  // Which works touch each block, in order.
  std::vector<std::vector<std::size_t>> touches() const;
};

// Notes what a step asks of the backend.
class Recorder {
 public:
  explicit Recorder(std::size_t mark) : start_(mark), used_(mark) {}

  void run(const Kernel& k) { step_.work.emplace_back(k); }
  void* alloc(std::size_t bytes);
  std::size_t mark() const { return used_; }
  void rewind(std::size_t mark);

  // Throws std::logic_error where the step did not give back all that it took, or used it after that.
  Step finish();

 private:
  std::size_t start_, used_;
  const std::byte* next_ = first_address();
  Step step_;
  std::vector<std::size_t> marks_;     // of each block
  std::vector<std::size_t> returned_;  // before which work each block was given back
  std::vector<std::size_t> taken_;     // numbers of the blocks that were not
  static const std::byte* first_address();
};

// ---- the same step, bit for bit, with fewer passes over memory and less of it

// Adam updates each parameter as soon as its gradient is there and nothing needs the old value. A weight gradient that
// nothing but Adam reads is left out, if lines of it can be had alone: Adam computes it on the way.
Step with_early_updates(Step);

// Large results of mere passes over memory, as a normalised map, are computed again where the step needs them again,
// instead of living through the moment that needs most memory: activations, for the backward pass.
Step with_recomputation(Step);

// The step in memory from `base` on, which is aligned as an arena's: blocks share a place whose lives, from the first
// to the last work that touches them, do not overlap. `poison`: each holds NaN before the first.
struct LaidOut {
  std::vector<Work> work;
  std::size_t bytes = 0;
};
LaidOut lay_out(Step, std::byte* base, bool poison);

}  // namespace snag
