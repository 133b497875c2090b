#pragma once
// simt runs CUDA kernels on the CPU, to find their bugs on machines without a GPU: blocks one after another, each
// thread of a block as a fiber, on the calling thread. It stands in for the CUDA runtime and for cuBLAS, so that a
// whole backend runs. Built with AddressSanitizer, an access outside an allocation or a shared array aborts; built with
// ThreadSanitizer, each CUDA thread is a thread of its own, so races are reported by line.
//
// Found in every build: barriers and warp operations that not all threads reach, bad masks, shuffles from lanes that
// take no part, host addresses as arguments, launches and calls that CUDA would refuse. After such a finding, calls
// that wait for the device return cudaErrorLaunchFailure, with the finding as its text. What depends on the order of
// threads or on shared memory that was never written shows when results differ between Options.
//
// Not modelled: approximate arithmetic, fused multiply-add, speed, blocks that wait for one another, two host threads.
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <vector>

namespace snag::simt {

enum class Order { forward, reverse, random };

struct Options {
  Order order = Order::forward;  // of a grid's blocks, and of a block's threads between barriers
  std::uint64_t seed = 1;        // of the random order
  unsigned char fill = 0xFF;     // bytes of shared memory before it is written; 0xFF is NaN as float, -1 as int
  std::size_t device_bytes = 256u << 20;  // cudaMalloc refuses more; it fills what it gives with 0xFF
};
Options& options();

// The findings so far, one line each; take_findings forgets them, and the device works again.
const std::vector<std::string>& findings();
std::vector<std::string> take_findings();

using Where = std::source_location;
void report(const std::string& finding, const Where& where = Where::current());

}  // namespace snag::simt
