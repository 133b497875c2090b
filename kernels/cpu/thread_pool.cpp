#include "kernels/cpu/thread_pool.h"

#include <hwy/cache_control.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace snag {
namespace {

using Clock = std::chrono::steady_clock;

// Range r of `ranges` equal parts of 0 .. tasks begins here.
int range_begin(int tasks, int r, int ranges) {
  return static_cast<int>(static_cast<std::int64_t>(tasks) * r / ranges);
}

std::uint64_t packed(std::uint32_t epoch, int left) {
  return std::uint64_t{epoch} << 32 | static_cast<std::uint32_t>(left);
}

template <class Ready>
bool spin_for(std::chrono::microseconds duration, const Ready& ready) {
  const auto deadline = Clock::now() + duration;
  do {
    if (ready()) return true;
    hwy::Pause();
  } while (Clock::now() < deadline);
  return ready();
}

}  // namespace

// More threads than cores: who spins keeps another from working.
ThreadPool::ThreadPool(int threads)
    : ranges_(static_cast<std::size_t>(std::max(threads, 1))),
      spin_(static_cast<unsigned>(threads) <= std::thread::hardware_concurrency() ? 40 : 0) {
  workers_.reserve(ranges_.size() - 1);
  for (int self = 1; self < this->threads(); ++self) workers_.emplace_back(&ThreadPool::worker, this, self);
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& w : workers_) w.join();
}

void ThreadPool::share(const Job& job) {
  const std::uint32_t epoch = epoch_.load(std::memory_order_relaxed) + 1;
  failed_ = false;
  call_ = job.call;
  fn_ = job.fn;
  tasks_ = job.tasks;
  unfinished_ = job.tasks;
  for (int r = 0; r < threads(); ++r)
    ranges_[static_cast<std::size_t>(r)].left =
        packed(epoch, range_begin(job.tasks, r + 1, threads()) - range_begin(job.tasks, r, threads()));
  epoch_ = epoch;
  // A thread counts itself among the sleepers before it looks at the epoch for the last time, so none is missed.
  if (const int wanted = std::min(job.tasks - 1, sleepers_.load()); wanted > 0) {
    { const std::lock_guard lock(mutex_); }
    for (int i = 0; i < wanted; ++i) wake_.notify_one();
  }
  help(0, epoch);
  wait_until_done();
  if (failed_) {
    const std::lock_guard lock(mutex_);
    std::rethrow_exception(std::exchange(error_, nullptr));
  }
}

void ThreadPool::help(int self, std::uint32_t epoch) {
  const Job job{call_, fn_, tasks_};
  for (int turn = 0; turn < threads(); ++turn) {
    const int r = (self + turn) % threads();
    std::atomic<std::uint64_t>& left = ranges_[static_cast<std::size_t>(r)].left;
    std::uint64_t now = left;
    while (now >> 32 == epoch && static_cast<std::uint32_t>(now) > 0) {
      // Success proves that this epoch's job still has a task to do, hence that `job` was read whole.
      if (!left.compare_exchange_weak(now, now - 1)) continue;
      finish_one(job, range_begin(job.tasks, r + 1, threads()) - static_cast<int>(static_cast<std::uint32_t>(now)),
                 self);
      now = left;
    }
  }
}

void ThreadPool::finish_one(const Job& job, int task, int thread) {
  if (!failed_.load(std::memory_order_relaxed)) {
    try {
      job.call(job.fn, task, thread);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      failed_ = true;
    }
  }
  if (unfinished_.fetch_sub(1) == 1 && caller_sleeps_) {
    { const std::lock_guard lock(mutex_); }
    done_.notify_one();
  }
}

void ThreadPool::wait_until_done() {
  const auto done = [&] { return unfinished_ == 0; };
  if (spin_for(spin_, done)) return;
  std::unique_lock lock(mutex_);
  caller_sleeps_ = true;
  done_.wait(lock, done);
  caller_sleeps_ = false;
}

std::uint32_t ThreadPool::next_epoch(std::uint32_t seen) {
  const auto changed = [&] { return epoch_ != seen || stop_; };
  if (!spin_for(spin_, changed)) {
    std::unique_lock lock(mutex_);
    ++sleepers_;
    wake_.wait(lock, changed);
    --sleepers_;
  }
  return epoch_;
}

void ThreadPool::worker(int self) {
  for (std::uint32_t seen = 0; !stop_;) {
    seen = next_epoch(seen);
    help(self, seen);
  }
}

}  // namespace snag
