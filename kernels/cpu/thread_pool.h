#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace snag {

// A few threads that share the tasks of one loop; the caller's thread is one of them. Each thread owns a range of the
// tasks, so that it meets the same data from loop to loop, and helps with the other ranges when its own is done: a
// thread that the system keeps off its core holds nobody up. Idle threads spin for some microseconds, then sleep.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(ranges_.size()); }

  // fn(task), or fn(task, thread) with thread = 0 .. threads()-1, for task = 0 .. tasks-1, in any order, on any thread.
  // Returns when all are done. If a task throws, those not yet begun are left out and the first exception is rethrown
  // here. One caller at a time; a task must not call it.
  template <class Fn>
  void parallel_for(int tasks, const Fn& fn) {
    if (tasks > 1 && threads() > 1)
      share({[](const void* f, int task, int thread) { call(*static_cast<const Fn*>(f), task, thread); }, &fn, tasks});
    else
      for (int task = 0; task < tasks; ++task) call(fn, task, 0);
  }

 private:
  template <class Fn>
  static void call(const Fn& fn, int task, int thread) {
    if constexpr (std::is_invocable_v<Fn, int, int>)
      fn(task, thread);
    else
      fn(task);
  }

  struct Job {
    void (*call)(const void* fn, int task, int thread);
    const void* fn;
    int tasks;
  };
  // `epoch` in the high half, tasks not yet begun in the low half: a claim succeeds only while its job is unfinished.
  struct alignas(64) Range {
    std::atomic<std::uint64_t> left{0};
  };

  void share(const Job& job);
  void worker(int self);
  void help(int self, std::uint32_t epoch);
  void finish_one(const Job& job, int task, int thread);
  std::uint32_t next_epoch(std::uint32_t seen);
  void wait_until_done();

  std::vector<Range> ranges_;  // one per thread
  std::chrono::microseconds spin_;

  // A late thread may read these while the next job is being written; it then fails to claim a task, so what it read
  // does not matter, but it must not be a data race.
  std::atomic<void (*)(const void*, int, int)> call_{nullptr};
  std::atomic<const void*> fn_{nullptr};
  std::atomic<int> tasks_{0};

  alignas(64) std::atomic<std::uint32_t> epoch_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stop_{false};
  alignas(64) std::atomic<int> unfinished_{0};
  std::atomic<bool> caller_sleeps_{false};
  std::atomic<bool> failed_{false};

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::exception_ptr error_;  // guarded by mutex_
  std::vector<std::thread> workers_;
};

}  // namespace snag
