#pragma once
// What the GPU benchmark times: work captured several times over in one graph, so that no launch gap is measured.
#include <cuda_runtime_api.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/backend.h"

namespace snag::gpu {

// One way to do a piece of work; run() does it `repeats` times.
struct Contender {
  std::string name;
  std::unique_ptr<Recording> work;
  int repeats = 1;
};

// Microseconds of the work once, of each contender: the median over rounds in which they take turns (A B A B ...).
std::vector<double> microseconds(const std::vector<const Contender*>&, int rounds);

// A stream that records work of libraries as Backend::record does; what cannot be captured is queued call by call.
class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const { return stream_; }
  std::unique_ptr<Recording> record(const std::function<void()>& step, int repeats) const;

 private:
  cudaStream_t stream_ = nullptr;
};

}  // namespace snag::gpu
