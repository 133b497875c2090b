// Stand-in for the CUDA runtime: streams, capture and events.
#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "kernels/simt/graph.h"
#include "kernels/simt/runtime.h"

struct CUevent_st {
  std::chrono::steady_clock::time_point time;
  enum { empty, recorded, captured } state = empty;
};

namespace snag::simt {
namespace {

std::vector<std::unique_ptr<CUstream_st>> streams;

bool is_default(cudaStream_t s) { return s == nullptr || s == cudaStreamLegacy || s == cudaStreamPerThread; }

auto find(cudaStream_t stream) {
  return std::find_if(streams.begin(), streams.end(), [=](const auto& s) { return s.get() == stream; });
}

void invalidate(CUstream_st& stream) {
  stream.capture = cudaStreamCaptureStatusInvalidated;
  stream.recorded.clear();
  stream.last.clear();
}

// The default stream waits for the others, so it cannot be used while one of those captures.
cudaError_t use_default_stream() {
  cudaError_t error = cudaSuccess;
  for (auto& stream : streams) {
    if (stream->capture == cudaStreamCaptureStatusNone || !stream->waits_for_default_stream) continue;
    invalidate(*stream);
    error = fail(cudaErrorStreamCaptureImplicit);
  }
  return error;
}

}  // namespace

bool capturing(cudaStream_t stream) {
  return !is_default(stream) && find(stream) != streams.end() && stream->capture != cudaStreamCaptureStatusNone;
}

cudaError_t refuse_while_capturing() {
  cudaError_t error = cudaSuccess;
  for (auto& stream : streams) {
    if (stream->capture == cudaStreamCaptureStatusNone || stream->mode == cudaStreamCaptureModeRelaxed) continue;
    invalidate(*stream);
    error = fail(cudaErrorStreamCaptureUnsupported);
  }
  return error;
}

cudaError_t enqueue(cudaStream_t stream, Work work) {
  if (is_default(stream)) {
    if (const cudaError_t error = use_default_stream()) return error;
  } else {
    if (find(stream) == streams.end()) return fail(cudaErrorInvalidResourceHandle);
    if (stream->capture == cudaStreamCaptureStatusInvalidated) return fail(cudaErrorStreamCaptureInvalidated);
    if (stream->capture == cudaStreamCaptureStatusActive) {
      Node& node = stream->recorded.emplace_back(Node{std::move(work), {}});
      for (const cudaGraphNode_t n : stream->last) node.after.push_back(number_of(n));
      stream->last = {handle_of(stream->recorded.size() - 1)};
      return cudaSuccess;
    }
  }
  work();
  return cudaSuccess;
}

}  // namespace snag::simt

using namespace snag::simt;  // the functions below have C linkage and global names

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  streams.push_back(std::make_unique<CUstream_st>());
  *stream = streams.back().get();
  (*stream)->waits_for_default_stream = !(flags & cudaStreamNonBlocking);
  return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, cudaStreamDefault); }

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const auto found = find(stream);
  if (found == streams.end()) return fail(cudaErrorInvalidResourceHandle);
  streams.erase(found);
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (!is_default(stream) && find(stream) == streams.end()) return fail(cudaErrorInvalidResourceHandle);
  if (is_default(stream) || capturing(stream))
    if (const cudaError_t error = refuse_while_capturing()) return error;
  return device_state();
}

cudaError_t cudaDeviceSynchronize() {
  if (const cudaError_t error = refuse_while_capturing()) return error;
  return device_state();
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  if (is_default(stream)) return fail(cudaErrorStreamCaptureUnsupported);
  if (find(stream) == streams.end()) return fail(cudaErrorInvalidResourceHandle);
  if (capturing(stream)) return fail(cudaErrorIllegalState);
  stream->capture = cudaStreamCaptureStatusActive;
  stream->mode = mode;
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  *status = capturing(stream) ? stream->capture : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long*,
                                     cudaGraph_t*, const cudaGraphNode_t** last, const cudaGraphEdgeData**,
                                     std::size_t* count) {
  cudaStreamIsCapturing(stream, status);
  if (*status != cudaStreamCaptureStatusActive) return cudaSuccess;
  if (last) *last = stream->last.data();
  if (count) *count = stream->last.size();
  return cudaSuccess;
}

cudaError_t cudaStreamUpdateCaptureDependencies(cudaStream_t stream, cudaGraphNode_t* nodes, const cudaGraphEdgeData*,
                                                std::size_t count, unsigned flags) {
  if (!capturing(stream) || stream->capture != cudaStreamCaptureStatusActive) return fail(cudaErrorIllegalState);
  for (std::size_t i = 0; i < count; ++i)
    if (number_of(nodes[i]) >= stream->recorded.size()) return fail(cudaErrorInvalidValue);
  if (flags == cudaStreamSetCaptureDependencies) stream->last.clear();
  stream->last.insert(stream->last.end(), nodes, nodes + count);
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = nullptr;
  if (!capturing(stream)) return fail(cudaErrorIllegalState);
  const auto status = std::exchange(stream->capture, cudaStreamCaptureStatusNone);
  if (status == cudaStreamCaptureStatusInvalidated) return fail(cudaErrorStreamCaptureInvalidated);
  *graph = new CUgraph_st{std::exchange(stream->recorded, {})};
  stream->last.clear();
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (capturing(stream)) event->state = CUevent_st::captured;
  return enqueue(stream, [event] {
    event->time = std::chrono::steady_clock::now();
    event->state = CUevent_st::recorded;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (event->state == CUevent_st::captured) return fail(cudaErrorCapturedEvent);
  return device_state();
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  if (from->state != CUevent_st::recorded || to->state != CUevent_st::recorded)
    return fail(cudaErrorInvalidResourceHandle);
  *milliseconds = std::chrono::duration<float, std::milli>(to->time - from->time).count();
  return cudaSuccess;
}

}  // extern "C"
