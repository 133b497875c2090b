#pragma once
// The state behind the stand-in for the CUDA runtime, for the files of kernels/simt. Work is done when it is queued.
#include <cuda_runtime.h>

#include <cstddef>
#include <functional>
#include <vector>

namespace snag::simt {
using Work = std::function<void()>;
// Of a graph: what it does, and the nodes, by their numbers, that must be done before. Its handle is its number and 1.
struct Node {
  Work work;
  std::vector<std::size_t> after;
};
inline cudaGraphNode_t handle_of(std::size_t node) { return reinterpret_cast<cudaGraphNode_t>(node + 1); }
inline std::size_t number_of(cudaGraphNode_t handle) { return reinterpret_cast<std::size_t>(handle) - 1; }
}  // namespace snag::simt

struct CUstream_st {
  bool waits_for_default_stream = true;
  cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::vector<snag::simt::Node> recorded;
  std::vector<cudaGraphNode_t> last;  // what the next node waits for
};

namespace snag::simt {

cudaError_t fail(cudaError_t error);  // remembers it for cudaGetLastError; returns it
cudaError_t device_state();           // cudaErrorLaunchFailure once something was found

// Does the work, or stores it where the stream captures.
cudaError_t enqueue(cudaStream_t stream, Work work);
// For calls that a capture does not allow: refuses while there is one, which is then invalid.
cudaError_t refuse_while_capturing();
bool capturing(cudaStream_t stream);

bool on_device(const void* memory, std::size_t bytes);  // all of it inside one live allocation
bool pinned(const void* memory, std::size_t bytes);
std::size_t allowed_dynamic_bytes(const void* kernel);
inline constexpr std::size_t kMaxDynamicBytes = 227 * 1024;

}  // namespace snag::simt
