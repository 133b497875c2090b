#pragma once
#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

namespace snag {

// task(0) .. task(count - 1), each once, on up to `threads` threads (the caller's is one of them). Tasks may not write
// to what another one reads. Returns when all are done; when some throw, rethrows the exception of the lowest task.
template <typename F>
void run_tasks(int count, int threads, const F& task) {
  std::vector<std::exception_ptr> failed(static_cast<std::size_t>(count));
  std::atomic<int> next{0};
  const auto work = [&] {
    for (int i = next++; i < count; i = next++) {
      try {
        task(i);
      } catch (...) {
        failed[static_cast<std::size_t>(i)] = std::current_exception();
      }
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (int t = 1; t < std::min(threads, count); ++t) helpers.emplace_back(work);
    work();
  }
  for (const std::exception_ptr& e : failed)
    if (e) std::rethrow_exception(e);
}

}  // namespace snag
