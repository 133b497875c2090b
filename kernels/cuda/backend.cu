#include "kernels/backend.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <type_traits>

#include "kernels/cuda/arena.h"
#include "kernels/cuda/cublas.cuh"
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/handles.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/portable.cuh"
#include "kernels/cuda/wide.cuh"
#include "kernels/schedule/schedule.h"

namespace snag {
namespace {

constexpr std::size_t kWorkspaceBytes = std::size_t{64} << 20;

struct CapturedStep : Recording {
  void run() override { check(cudaGraphLaunch(exec.get(), stream)); }
  int kernels() const override { return nodes; }
  int longest_chain() const override { return chain; }
  DeviceMemory tickets;
  CudaGraphExec exec;
  cudaStream_t stream = nullptr;
  int nodes = 0, chain = 0;
};

struct EagerStep : Recording {
  explicit EagerStep(std::function<void()> s) : step(std::move(s)) {}
  void run() override { step(); }
  std::function<void()> step;
};

// Blocks on each multiprocessor, up to which a work is small: another finds room beside it.
constexpr int kSmall = 2;

// Code for sm_90a is in this program; under simt it always is.
#if defined(SNAG_SM90A) || !defined(__CUDACC__)
constexpr bool kSm90a = true;
#else
constexpr bool kSm90a = false;
#endif

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
             .parts = &parts_,
             .multiprocessors = properties_.multiProcessorCount,
             .warpgroups = kSm90a && properties_.major == 9 && properties_.minor == 0,
             .tile = options.tile};
    if (options.multiprocessors > 0) cuda_.multiprocessors = std::min(cuda_.multiprocessors, options.multiprocessors);
    check(cudaMemsetAsync(tickets_.get(), 0, kTickets * sizeof(unsigned), stream_.get()));
    check(cublasSetStream(cublas_.get(), stream_.get()));
    // A workspace of its own: a captured step must find the memory that it was captured with.
    check(cublasSetWorkspace(cublas_.get(), workspace_.get(), kWorkspaceBytes));
  }

  void run(const Kernel& kernel) override {
    const std::size_t count = cuda_.recorded ? cuda_.recorded->size() : 0;
    if (!cuda_.recorded) parts_.reset();
    const bool launched = !options_.portable && launched_after(before_, kernel);
    before_ = kernel;
    if (!launched)
      std::visit(
          [&](const auto& k) {
            using K = std::decay_t<decltype(k)>;
            if constexpr (TunedForCuda<K>)
              if (!options_.portable) return launch(cuda_, k);
            launch_portable(cuda_, k);
          },
          kernel);
    if (cuda_.recorded) note_operands(launched, count, kernel);
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

  void wait() override { check(cudaStreamSynchronize(stream_.get())); }

  // Kernels are prepared one by one, scheduled into launches, and these captured.
  std::unique_ptr<Recording> record(std::function<void()> step) override {
    if (options_.eager) return std::make_unique<EagerStep>(std::move(step));
    const std::vector<Prepared> works = prepare(step);
    arena_.drop_guards();
    const std::vector<Launch> launches = schedule(tasks_of(works));
    auto captured = std::make_unique<CapturedStep>();
    captured->stream = stream_.get();
    captured->chain = longest_chain(launches);
    const CudaGraph graph = graph_of(launches, works, *captured);
    cudaGraphExec_t exec = nullptr;
    check(cudaGraphInstantiate(&exec, graph.get(), 0));
    captured->exec.reset(exec);
    std::size_t nodes = 0;
    check(cudaGraphGetNodes(graph.get(), nullptr, &nodes));
    captured->nodes = static_cast<int>(nodes);
    return captured;
  }

  std::vector<Tiling> tilings(const Kernel& kernel) {
    std::vector<Tiling> all;
    struct Asked {
      Cuda& cuda;
      ~Asked() { cuda.tilings = nullptr; }
    } asked{cuda_};
    cuda_.tilings = &all;
    prepare([&] { run(kernel); });
    return all;
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
  // Does the kernel join the work of the one before?
  bool launched_after(const Kernel& before, const Kernel& kernel) {
    const auto join = [&](const auto& b) {
      return std::visit(
          [&](const auto& k) {
            if constexpr (requires { launch_after(cuda_, b, k); })
              return launch_after(cuda_, b, k);
            else
              return false;
          },
          kernel);
    };
    if (const auto* b = std::get_if<ConvDown>(&before)) return join(*b);
    if (const auto* b = std::get_if<ConvUp>(&before)) return join(*b);
    if (const auto* b = std::get_if<BatchNormStats>(&before)) return join(*b);
    if (const auto* b = std::get_if<BatchNormGradSums>(&before)) return join(*b);
    return false;
  }
  // What the step would launch.
  std::vector<Prepared> prepare(const std::function<void()>& step) {
    std::vector<Prepared> kernels;
    parts_.reset();
    before_ = {};
    struct Recorded {
      Cuda& cuda;
      ~Recorded() { cuda.recorded = nullptr; }
    } recorded{cuda_};
    cuda_.recorded = &kernels;
    step();
    return kernels;
  }
  // A kernel of a recorded step has been prepared: within the last work, or as works behind the first `count`.
  void note_operands(bool joined, std::size_t count, const Kernel& kernel) {
    std::vector<Prepared>& works = *cuda_.recorded;
    const std::vector<Operand> all = operands(kernel);
    if (joined) append(all, works.back().operands);
    for (std::size_t i = count; i < works.size(); ++i)
      if (works[i].operands.empty()) works[i].operands = all;
  }
  static void append(const std::vector<Operand>& more, std::vector<Operand>& all) {
    all.insert(all.end(), more.begin(), more.end());
  }
  std::vector<Task> tasks_of(const std::vector<Prepared>& works) const {
    std::map<const Program*, int> programs;
    std::vector<Task> tasks;
    for (const Prepared& p : works) {
      const int program = programs.try_emplace(p.program, static_cast<int>(programs.size())).first->second;
      tasks.push_back({p.operands, program, p.program->capacity, p.blocks <= kSmall * cuda_.multiprocessors});
    }
    return tasks;
  }
  // The graph of these launches. Each has scratch memory that no other has at the same time.
  CudaGraph graph_of(const std::vector<Launch>& launches, const std::vector<Prepared>& works, CapturedStep& step) {
    std::vector<std::vector<const Prepared*>> members;
    std::vector<std::size_t> floats, tickets;
    for (const Launch& l : launches) {
      members.emplace_back(), floats.push_back(0), tickets.push_back(0);
      for (const int t : l.tasks) {
        const Prepared& work = works[static_cast<std::size_t>(t)];
        members.back().push_back(&work);
        floats.back() += (work.needs.partial + 3) / 4 * 4;
        tickets.back() += static_cast<std::size_t>(work.needs.tickets);
      }
    }
    const Places scratch = place(launches, floats), counters = place(launches, tickets);
    float* const memory = parts_.take(scratch.size);
    step.tickets = device_memory((counters.size + 1) * sizeof(unsigned));
    check(cudaMemsetAsync(step.tickets.get(), 0, (counters.size + 1) * sizeof(unsigned), stream_.get()));
    check(cudaStreamSynchronize(stream_.get()));  // what was queued before belongs to no step
    return capture([&] {
      std::vector<std::vector<cudaGraphNode_t>> ends(launches.size());
      for (std::size_t l = 0; l < launches.size(); ++l) {
        std::vector<cudaGraphNode_t> after;
        for (const int a : launches[l].after) {
          const auto& last = ends[static_cast<std::size_t>(a)];
          after.insert(after.end(), last.begin(), last.end());
        }
        check(cudaStreamUpdateCaptureDependencies(stream_.get(), after.data(), nullptr, after.size(),
                                                  cudaStreamSetCaptureDependencies));
        Cuda own = cuda_;
        own.workspace = memory + scratch.begin[l];
        own.workspace_floats = floats[l];
        own.tickets = static_cast<unsigned*>(step.tickets.get()) + counters.begin[l];
        members[l][0]->program->launch(own, members[l]);
        ends[l] = captured_last();
      }
    });
  }
  // What the next node of the stream's capture would wait for.
  std::vector<cudaGraphNode_t> captured_last() const {
    cudaStreamCaptureStatus status{};
    const cudaGraphNode_t* nodes = nullptr;
    std::size_t count = 0;
    check(cudaStreamGetCaptureInfo(stream_.get(), &status, nullptr, nullptr, &nodes, nullptr, &count));
    return {nodes, nodes + count};
  }
  CudaGraph capture(const std::function<void()>& launches) {
    check(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeThreadLocal));
    cudaGraph_t graph = nullptr;
    try {
      launches();
    } catch (...) {
      static_cast<void>(cudaStreamEndCapture(stream_.get(), &graph));
      const CudaGraph unfinished(graph);
      throw;
    }
    const cudaError_t error = cudaStreamEndCapture(stream_.get(), &graph);
    CudaGraph owned(graph);
    check(error);
    return owned;
  }

  CudaOptions options_;
  cudaDeviceProp properties_{};
  CudaStream stream_;
  Cublas cublas_;
  DeviceArena arena_;
  DeviceMemory workspace_, tickets_;
  PartsMemory parts_;
  Cuda cuda_;
  Kernel before_;  // the one that ran last
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

std::vector<Tiling> tilings(Backend& backend, const Kernel& kernel) {
  return dynamic_cast<CudaBackend&>(backend).tilings(kernel);
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
