#pragma once
// Others' libraries on the operands of our kernels. Each is optional: without it the functions here say so.
#include <memory>
#include <string>
#include <vector>

#include "bench/cpu/timing.h"
#include "kernels/backend.h"

namespace snag::bench {

// A library's form of a kernel; `run.call` is empty where there is none.
struct Peer {
  Contender run;
  std::function<std::vector<float>()> result = {};  // of the last call, in our layout
};

// oneDNN's fastest primitive for a convolution: of all its implementations, with weights in the layout that each
// prefers and activations in that or channels last. Memory comes from `backend`. Empty for other kernels.
class OneDnn {
 public:
  explicit OneDnn(int threads);
  ~OneDnn();
  OneDnn(const OneDnn&) = delete;
  OneDnn& operator=(const OneDnn&) = delete;
  Peer convolution(const Kernel&, Backend&) const;
  static std::string version();  // with its threading, or why it is absent

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

// sgemm for a MatMul. Empty for other kernels.
void set_blas_threads(int threads);
Peer blas_product(const Kernel&, Backend&);
std::string blas_version();  // or why it is absent

}  // namespace snag::bench
