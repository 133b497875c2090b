#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "kernels/precision.h"

namespace snag {

// A training step that can be run again and again: on a CPU a list of what it asked for, on a GPU a captured graph.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void run() = 0;
  // Kernels and copies that one run() queues; 0 where nothing was captured, so that nothing counted them.
  virtual int kernels() const { return 0; }
  // The most of these of which each waits for the one before; 0 likewise.
  virtual int longest_chain() const { return 0; }
};

// A device: runs kernels in order, and owns one arena of memory.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual void run(const Kernel&) = 0;

  // Memory comes from a stack: alloc pushes, rewind(mark()) pops. 64-byte aligned. Exhaustion throws
  // Error{Exit::device} that names the need.
  virtual void* alloc(std::size_t bytes) = 0;
  virtual std::size_t mark() const = 0;
  virtual void rewind(std::size_t mark) = 0;
  virtual std::size_t peak() const = 0;  // most bytes ever in use

  // The values of x, in memory of the arena, stay as they are until the arena is rewound below its end: a backend may
  // keep what it makes of them, as the CPU does of convolutions' weights. There a kernel or an upload that would write
  // to x throws std::logic_error; others take no notice.
  virtual void freeze(ConstView) {}

  virtual void upload(void* device, const void* host, std::size_t bytes) = 0;
  virtual void download(void* host, const void* device, std::size_t bytes) = 0;

  // Returns when all that was queued is done.
  virtual void wait() {}

  // The step must not read device memory on the host, nor branch on it, and must leave the arena as it found it. It is
  // called once, now; its runs find the arena as it was then.
  virtual std::unique_ptr<Recording> record(std::function<void()> step) = 0;

  virtual std::string name() const = 0;  // for people: "cpu, 2 threads, AVX3"
};

struct CpuOptions {
  int threads = 0;              // 0: all cores
  std::size_t arena_bytes = 0;  // 0: the machine's memory; pages are taken when first touched
  bool portable = false;        // only the portable forms, on one thread: the reference
  bool poison = false;          // NaN into memory on alloc: nothing may rely on what it held
  bool eager = false;           // recorded steps are called anew in each run, and run kernel by kernel
};
std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& = {});

struct CudaOptions {
  std::size_t arena_bytes = 0;  // all that tensors may take; is taken at once
  Precision precision = Precision::tf32;
  bool portable = false;    // only the portable forms
  bool eager = false;       // recorded steps are launched kernel by kernel, not as a graph
  int multiprocessors = 0;  // work is laid out for at most so many; 0: for all
  std::string tile = {};    // convolutions that may be computed in tiles of this name are; else as is estimated fastest
};
// Throws Error{Exit::device} where this build or machine has no CUDA device.
std::unique_ptr<Backend> make_cuda_backend(const CudaOptions&);
// How a convolution may be computed: in which tiles, the reduction of each split over how many blocks.
struct Tiling {
  const char* tile;
  int splits;
  double microseconds;  // by an estimate for an H200, by which the backend chooses
};
// All that `kernel` may have on this backend, which make_cuda_backend made; none where it has no choice.
std::vector<Tiling> tilings(Backend&, const Kernel&);
bool cuda_available();
struct DeviceBytes {
  std::size_t free = 0, total = 0;
};
DeviceBytes cuda_memory();

// Computes nothing, and counts the memory that a computation would take: peak(). Downloads are zeros.
std::unique_ptr<Backend> make_counting_backend();

}  // namespace snag
