// Runs a grid: blocks in turn; in a block, each thread until it waits; when all wait, the barrier opens.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <random>

#include "kernels/simt/block.h"
#include "kernels/simt/device.h"
#include "kernels/simt/sanitizer.h"

namespace snag::simt {

Block the_block;
Thread* the_thread = nullptr;

namespace {

const std::function<void()>* kernel = nullptr;
std::mt19937_64 random_bits;

std::vector<unsigned> order;  // of the block's threads
std::size_t next = 0;         // in `order`, of this pass over the threads

char launch_begins, launch_ends;  // tags: what the host did before, what the kernel did

void begin(Thread& thread, Fiber* fiber) {
  thread.fiber = fiber;
  thread.state = State::ready;
  the_thread = &thread;
  threadIdx = thread.index;
}

void finish(Thread& thread) {
  tsan::release(&launch_ends);
  thread.state = State::done;
  ++the_block.done;
  leave_warp(rank(thread));
}

// The next thread of the pass, if it has not begun.
Thread* next_fresh() {
  if (next == order.size()) return nullptr;
  Thread& thread = the_block.threads[order[next]];
  if (thread.state != State::fresh) return nullptr;
  ++next;
  return &thread;
}

// What a fiber does: one thread, and then, without a switch, those that follow it. With ThreadSanitizer a fiber is a
// CUDA thread, so one only.
void run_threads() {
  for (;;) {
    tsan::acquire(&launch_begins);
    (*kernel)();
    finish(*the_thread);
    Thread* following = tsan::on ? nullptr : next_fresh();
    if (!following) return;
    begin(*following, Fiber::running());
  }
}

Fiber* new_fiber() {
  static std::vector<std::unique_ptr<Fiber>> owner;
  return owner.emplace_back(std::make_unique<Fiber>(run_threads)).get();
}

std::vector<Fiber*> idle_fibers;

Fiber* idle_fiber() {
  if (idle_fibers.empty()) return new_fiber();
  Fiber* fiber = idle_fibers.back();
  idle_fibers.pop_back();
  return fiber;
}

// With ThreadSanitizer, thread i always runs on the same stack, so that its frames never race with another thread's.
// Two sets used in turn, so that neighbouring blocks are not ordered either.
Fiber* watched_fiber(std::size_t i, std::size_t block_number) {
  static std::vector<Fiber*> sets[2];
  auto& set = sets[block_number % 2];
  while (set.size() <= i) set.push_back(new_fiber());
  const uint3 t = the_block.threads[i].index;
  char name[80];
  std::snprintf(name, sizeof name, "block (%u,%u,%u) thread (%u,%u,%u)", blockIdx.x, blockIdx.y, blockIdx.z, t.x, t.y,
                t.z);
  tsan::name(set[i]->tsan(), name);
  return set[i];
}

void resume(Thread& thread) {
  Fiber* fiber = thread.fiber ? thread.fiber : idle_fiber();
  begin(thread, fiber);
  fiber->resume();
  if (!tsan::on && fiber->idle()) idle_fibers.push_back(fiber);
}

void mix_order() {
  if (options().order == Order::random) std::shuffle(order.begin(), order.end(), random_bits);
}

bool same(const Where& a, const Where& b) {
  return a.line() == b.line() && std::strcmp(a.file_name(), b.file_name()) == 0;
}

void open_barrier() {
  const Thread* first = nullptr;
  for (Thread& thread : the_block.threads) {
    if (thread.state != State::at_barrier) continue;
    if (!first) first = &thread;
    if (!same(first->site, thread.site))
      report("divergent barrier: threads of a block wait at this one and at line " + std::to_string(first->site.line()),
             thread.site);
    thread.state = State::ready;
  }
  if (the_block.done)
    report("divergent barrier: " + std::to_string(the_block.done) + " thread(s) left the kernel, " +
               std::to_string(the_block.waiting) + " wait",
           first->site);
  the_block.waiting = 0;
  ++the_block.round;
  the_block.votes[the_block.round % 2] = 0;
  mix_order();
}

void run_block() {
  const std::size_t size = the_block.threads.size();
  while (the_block.done < size) {
    bool progress = false;
    for (next = 0; next < size;) {
      Thread& thread = the_block.threads[order[next++]];
      if (thread.state != State::fresh && thread.state != State::ready) continue;
      resume(thread);
      progress = true;
    }
    if (progress) continue;
    if (!release_stuck_lanes()) open_barrier();
  }
}

void prepare_block(std::size_t block_number, std::size_t dynamic_bytes) {
  Block& b = the_block;
  const std::size_t size = b.threads.size();
  b.waiting = b.done = b.round = 0;
  b.votes = {};
  b.ordered = std::make_unique<std::array<char, 2>>();
  b.warps.clear();
  b.warps.resize((size + 31) / 32);
  if (size % 32) b.warps.back().gone = ~0u << size % 32;
  for (std::size_t i = 0; i < size; ++i) {
    Thread& t = b.threads[i];
    const auto n = static_cast<unsigned>(i);
    t.index = {n % blockDim.x, n / blockDim.x % blockDim.y, n / blockDim.x / blockDim.y};
    t.state = State::fresh;
    t.fiber = tsan::on ? watched_fiber(i, block_number) : nullptr;
    t.copies.clear();
    t.copied = 0;
    t.group = 0;
  }
  forget_shared_memory(dynamic_bytes);
  mix_order();
}

// 0 .. count-1 in the order that the options ask for.
std::vector<unsigned> sequence(std::size_t count) {
  std::vector<unsigned> s(count);
  std::iota(s.begin(), s.end(), 0u);
  if (options().order == Order::reverse) std::reverse(s.begin(), s.end());
  if (options().order == Order::random) std::shuffle(s.begin(), s.end(), random_bits);
  return s;
}

}  // namespace

void wait_in(State state, const Where& where) {
  Thread& thread = *the_thread;
  thread.site = where;
  thread.state = state;
  Fiber::suspend();
}

int sync_block(bool vote, const Where& where) {
  const tsan::Unwatched scope;
  Block& b = the_block;
  const unsigned round = b.round % 2;
  b.votes[round] += vote;
  tsan::release(&(*b.ordered)[round]);
  ++b.waiting;
  wait_in(State::at_barrier, where);
  tsan::acquire(&(*b.ordered)[round]);
  return b.votes[round];
}

void fence() {
  static char ordered;
  tsan::acquire(&ordered);
  tsan::release(&ordered);
}

void run(dim3 grid, dim3 block_size, std::size_t dynamic_bytes, const std::function<void()>& body) {
  tsan::release(&launch_begins);
  Fiber::host_is_here();
  {
    const tsan::Unwatched scope;
    kernel = &body;
    gridDim = grid;
    blockDim = block_size;
    random_bits.seed(options().seed);
    the_block.threads.resize(std::size_t{block_size.x} * block_size.y * block_size.z);
    order = sequence(the_block.threads.size());
    std::size_t block_number = 0;
    for (const unsigned i : sequence(std::size_t{grid.x} * grid.y * grid.z)) {
      blockIdx = {i % grid.x, i / grid.x % grid.y, i / grid.x / grid.y};
      prepare_block(block_number++, dynamic_bytes);
      run_block();
    }
  }
  tsan::acquire(&launch_ends);
}

}  // namespace snag::simt
