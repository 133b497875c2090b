#include "bench/gpu/timing.h"

#include <algorithm>
#include <chrono>

#include "kernels/cuda/check.h"
#include "kernels/cuda/handles.h"

namespace snag::gpu {
namespace {

constexpr double kMeasurement = 1.5e-3;  // seconds; the wait at its end takes some microseconds

struct Replay : Recording {
  Replay(CudaGraphExec e, cudaStream_t s) : exec(std::move(e)), stream(s) {}
  void run() override { check(cudaGraphLaunch(exec.get(), stream)); }
  CudaGraphExec exec;
  cudaStream_t stream;
};

struct CallByCall : Recording {
  CallByCall(std::function<void()> s, int n) : step(std::move(s)), repeats(n) {}
  void run() override {
    for (int i = 0; i < repeats; ++i) step();
  }
  std::function<void()> step;
  int repeats;
};

double seconds(Recording& work, int times) {
  check(cudaDeviceSynchronize());
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) work.run();
  check(cudaDeviceSynchronize());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
}

// How often a measurement runs the work, so that it takes long enough.
int runs_needed(Recording& work) {
  work.run();
  int times = 1;
  while (seconds(work, times) < kMeasurement && times < 1 << 20) times *= 2;
  return times;
}

// What was captured so far is dropped; a call that cannot be captured leaves an error behind that is not ours.
CudaGraph end_capture(cudaStream_t stream) {
  cudaGraph_t graph = nullptr;
  if (cudaStreamEndCapture(stream, &graph) != cudaSuccess) graph = nullptr;
  (void)cudaGetLastError();
  return CudaGraph(graph);
}

}  // namespace

std::vector<double> microseconds(const std::vector<const Contender*>& contenders, int rounds) {
  std::vector<int> times;
  for (const Contender* c : contenders) times.push_back(runs_needed(*c->work));
  std::vector<std::vector<double>> all(contenders.size());
  for (int round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < contenders.size(); ++i)
      all[i].push_back(1e6 * seconds(*contenders[i]->work, times[i]) / times[i] / contenders[i]->repeats);
  std::vector<double> medians;
  for (auto& one : all) {
    std::nth_element(one.begin(), one.begin() + static_cast<std::ptrdiff_t>(one.size() / 2), one.end());
    medians.push_back(one[one.size() / 2]);
  }
  return medians;
}

Stream::Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
Stream::~Stream() { (void)cudaStreamDestroy(stream_); }

std::unique_ptr<Recording> Stream::record(const std::function<void()>& step, int repeats) const {
  step();  // what a library sets up at its first call is not captured
  check(cudaStreamSynchronize(stream_));
  check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal));
  bool captured = true;
  try {
    for (int i = 0; i < repeats; ++i) step();
  } catch (const Error&) {
    captured = false;
  }
  const CudaGraph graph = end_capture(stream_);
  cudaGraphExec_t exec = nullptr;
  if (!captured || !graph || cudaGraphInstantiate(&exec, graph.get(), 0) != cudaSuccess) {
    (void)cudaGetLastError();
    return std::make_unique<CallByCall>(step, repeats);
  }
  return std::make_unique<Replay>(CudaGraphExec(exec), stream_);
}

}  // namespace snag::gpu
