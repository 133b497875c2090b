#pragma once
// The block that is running: simt's own state, for the files of kernels/simt.
#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/simt/fiber.h"
#include "kernels/simt/simt.h"
#include "kernels/simt/warp.h"
#include "kernels/simt/warpgroup.h"

namespace snag::simt {

enum class State : unsigned char { fresh, ready, at_barrier, at_warp, done };

struct PendingCopy {
  void* to;
  const void* from;  // null: zeros
  unsigned bytes;
  unsigned group;
};

struct Thread {
  uint3 index{};
  State state = State::fresh;
  Fiber* fiber = nullptr;
  Where site;  // of the barrier or warp operation it waits at
  std::vector<PendingCopy> copies;
  std::size_t copied = 0;  // of `copies`
  unsigned group = 0;      // of asynchronous copies: the one that is open
  std::vector<PendingProduct> products;
  unsigned product_group = 0;
};

// Where the lanes of one mask meet. Two sets of values, used in turn: a lane may arrive for the next operation before
// all others have read the values of this one.
struct Meeting {
  unsigned mask = 0, arrived = 0, round = 0;
  Operation operation{};
  struct Values {
    alignas(16) std::byte bytes[32 * kMaxExchange];
    unsigned lanes = 0;  // that came
    char ordered;        // tag: what lanes did before they came happens before what they do after
  } values[2];
};

struct Warp {
  unsigned gone = 0;  // lanes that left the kernel, or that the block does not have
  std::vector<std::unique_ptr<Meeting>> meetings;
};

struct Block {
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  unsigned waiting = 0, done = 0;
  unsigned round = 0;                            // of the barrier
  std::array<int, 2> votes{};                    // of this and of the last round
  std::unique_ptr<std::array<char, 2>> ordered;  // tags of the barrier, by round; new for every block
};

extern Block the_block;
extern Thread* the_thread;  // that runs
inline Block& block() { return the_block; }
inline Thread& self() { return *the_thread; }
inline unsigned rank(const Thread& thread) { return static_cast<unsigned>(&thread - block().threads.data()); }

void wait_in(State state, const Where& where);  // suspends the running thread until someone makes it ready
void leave_warp(unsigned rank);                 // the thread has left the kernel: others need not wait for it
bool release_stuck_lanes();                     // reports lanes that wait in vain and lets them go on; false: none

void forget_shared_memory(std::size_t dynamic_bytes);  // a block begins

// Runs a valid grid, to the end.
void run(dim3 grid, dim3 block, std::size_t dynamic_bytes, const std::function<void()>& kernel);

}  // namespace snag::simt
