#pragma once
// The vendor's libraries on the operands of our kernels.
#include <memory>
#include <string>

#include "bench/gpu/timing.h"
#include "kernels/backend.h"
#include "kernels/conv.h"
#include "kernels/matmul.h"

namespace snag::gpu {

// A library's form of a kernel, or why there is none.
struct Peer {
  std::function<void()> call;  // queues it on the stream; empty where there is none
  std::string name;            // the library and its algorithm, or the reason
};

class Cublas {
 public:
  explicit Cublas(const Stream&);
  ~Cublas();
  Cublas(const Cublas&) = delete;
  Cublas& operator=(const Cublas&) = delete;
  Peer product(const MatMul&, Precision) const;
  // The most TFLOP/s that products of large square matrices reach; bf16 has bf16 operands.
  double ceiling(const Stream&, Precision) const;

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

// cuDNN's fastest algorithm for each map, found by running all of them.
class Cudnn {
 public:
  explicit Cudnn(const Stream&);
  ~Cudnn();
  Cudnn(const Cudnn&) = delete;
  Cudnn& operator=(const Cudnn&) = delete;
  Peer convolution(const Kernel&, Precision) const;
  static std::string version();  // or why it is absent

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

// Bytes a second of a copy on the device, read and written bytes counted.
double copy_bandwidth(const Stream&);
// Microseconds of each node of a graph of 1000 empty kernels, each after the one before.
double empty_kernel(const Stream&);

}  // namespace snag::gpu
