#include "kernels/backend.h"

#include <exception>
#include <memory>
#include <string>
#include <type_traits>

#include "kernels/cuda/arena.h"
#include "kernels/cuda/cublas.cuh"
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/handles.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/portable.cuh"

namespace snag {
namespace {

constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20;

struct CapturedStep : Recording {
  CapturedStep(CudaGraphExec e, cudaStream_t s, int n) : exec(std::move(e)), stream(s), nodes(n) {}
  void run() override { check(cudaGraphLaunch(exec.get(), stream)); }
  int kernels() const override { return nodes; }
  CudaGraphExec exec;
  cudaStream_t stream;
  int nodes;
};

struct EagerStep : Recording {
  explicit EagerStep(std::function<void()> s) : step(std::move(s)) {}
  void run() override { step(); }
  std::function<void()> step;
};

class CudaBackend : public Backend {
 public:
  explicit CudaBackend(const CudaOptions& options)
      : options_(options),
        stream_(make_stream()),
        cublas_(make_cublas()),
        arena_(options.arena_bytes),
        workspace_(device_memory(kWorkspaceBytes)),
        tickets_(device_memory(kTickets * sizeof(unsigned))) {
    check(cudaGetDeviceProperties(&properties_, 0));
    cuda_ = {.stream = stream_.get(),
             .cublas = cublas_.get(),
             .precision = options.precision,
             .workspace = static_cast<float*>(workspace_.get()),
             .workspace_floats = kWorkspaceBytes / sizeof(float),
             .tickets = static_cast<unsigned*>(tickets_.get()),
             .multiprocessors = properties_.multiProcessorCount};
    check(cudaMemsetAsync(tickets_.get(), 0, kTickets * sizeof(unsigned), stream_.get()));
    check(cublasSetStream(cublas_.get(), stream_.get()));
    // A workspace of its own: a captured step must find the memory that it was captured with.
    check(cublasSetWorkspace(cublas_.get(), workspace_.get(), kWorkspaceBytes));
  }

  void run(const Kernel& kernel) override {
    std::visit(
        [&](const auto& k) {
          using K = std::decay_t<decltype(k)>;
          if constexpr (TunedForCuda<K>)
            if (!options_.portable) return launch(cuda_, k);
          launch_portable(cuda_, k);
        },
        kernel);
  }

  void* alloc(std::size_t bytes) override { return arena_.alloc(bytes); }
  std::size_t mark() const override { return arena_.used(); }
  void rewind(std::size_t mark) override { arena_.rewind(mark); }
  std::size_t peak() const override { return arena_.peak(); }

  void upload(void* device, const void* host, std::size_t bytes) override {
    copy(device, host, bytes, cudaMemcpyHostToDevice);
  }
  void download(void* host, const void* device, std::size_t bytes) override {
    copy(host, device, bytes, cudaMemcpyDeviceToHost);
  }

  std::unique_ptr<Recording> record(std::function<void()> step) override {
    if (options_.eager) return std::make_unique<EagerStep>(std::move(step));
    // What was queued before belongs to no step.
    check(cudaStreamSynchronize(stream_.get()));
    check(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeThreadLocal));
    CudaGraph graph;
    try {
      step();
    } catch (...) {
      end_capture();
      throw;
    }
    graph = end_capture();
    arena_.drop_guards();
    cudaGraphExec_t exec = nullptr;
    check(cudaGraphInstantiate(&exec, graph.get(), 0));
    CudaGraphExec owned(exec);
    std::size_t nodes = 0;
    check(cudaGraphGetNodes(graph.get(), nullptr, &nodes));
    return std::make_unique<CapturedStep>(std::move(owned), stream_.get(), static_cast<int>(nodes));
  }

  std::string name() const override {
    return std::string("cuda, ") + properties_.name + ", " + text(options_.precision) +
           (options_.portable ? ", portable" : "");
  }

 private:
  void copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    if (bytes == 0) return;
    check(cudaMemcpyAsync(to, from, bytes, kind, stream_.get()));
    check(cudaStreamSynchronize(stream_.get()));
  }
  CudaGraph end_capture() {
    cudaGraph_t graph = nullptr;
    const cudaError_t error = cudaStreamEndCapture(stream_.get(), &graph);
    CudaGraph owned(graph);
    if (std::uncaught_exceptions() == 0) check(error);
    return owned;
  }

  CudaOptions options_;
  cudaDeviceProp properties_{};
  CudaStream stream_;
  Cublas cublas_;
  DeviceArena arena_;
  DeviceMemory workspace_, tickets_;
  Cuda cuda_;
};

}  // namespace

bool cuda_available() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

DeviceBytes cuda_memory() {
  DeviceBytes bytes;
  check(cudaMemGetInfo(&bytes.free, &bytes.total));
  return bytes;
}

std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess || count == 0)
    throw Error(Exit::device, std::string("--device cuda: ") +
                                  (error != cudaSuccess ? cudaGetErrorString(error) : "no CUDA device") +
                                  "; install or update the NVIDIA driver, or go on with --device cpu");
  return std::make_unique<CudaBackend>(options);
}

}  // namespace snag
