#include "kernels/cpu/thread_pool.h"

#include <doctest/doctest.h>

#include <numeric>
#include <stdexcept>
#include <string>

using snag::ThreadPool;

TEST_CASE("every task runs exactly once, whatever the number of threads and tasks") {
  for (const int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    for (const int tasks : {0, 1, 2, 3, 5, 8, 100}) {
      std::vector<int> runs(static_cast<std::size_t>(tasks));
      pool.parallel_for(tasks, [&](int t) { ++runs[static_cast<std::size_t>(t)]; });
      CHECK(runs == std::vector<int>(static_cast<std::size_t>(tasks), 1));
    }
  }
}

TEST_CASE("what tasks wrote is seen by the caller and by the next loop, thousands of times over") {
  ThreadPool pool(3);
  std::vector<int> a(64), b(64);
  for (int round = 0; round < 5000; ++round) {
    pool.parallel_for(64, [&](int t) { a[static_cast<std::size_t>(t)] = round + t; });
    pool.parallel_for(64, [&](int t) { b[static_cast<std::size_t>(t)] = a[static_cast<std::size_t>(63 - t)]; });
    REQUIRE(std::accumulate(b.begin(), b.end(), 0) == 64 * round + 64 * 63 / 2);
  }
}

TEST_CASE("threads that went to sleep wake again") {
  ThreadPool pool(2);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int> sum{0};
    pool.parallel_for(10, [&](int t) {
      if (t == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      sum += t;
    });
    CHECK(sum == 45);
  }
}

TEST_CASE("the first exception of a task reaches the caller and the pool stays usable") {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 50; ++round) {
      CHECK_THROWS_WITH_AS(pool.parallel_for(20,
                                             [](int t) {
                                               if (t % 7 == 3) throw std::runtime_error("task");
                                             }),
                           "task", std::runtime_error);
      std::atomic<int> runs{0};
      pool.parallel_for(20, [&](int) { ++runs; });
      CHECK(runs == 20);
    }
  }
}

TEST_CASE("a pool that never worked shuts down") {
  for (int round = 0; round < 20; ++round) ThreadPool pool(4);
}
