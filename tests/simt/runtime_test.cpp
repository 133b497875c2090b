// The stand-in for the CUDA runtime: memory, capture, errors.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "kernels/cuda/cublas.cuh"
#include "kernels/simt/simt.h"
#include "tests/error_of.h"
#include "tests/simt/device_array.h"
#include "tests/simt/simt_kernels.h"

namespace snag {
namespace {

using Values = std::vector<float>;

struct Stream {
  cudaStream_t stream = nullptr;
  Stream() { check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking)); }
  ~Stream() { cudaStreamDestroy(stream); }
};

struct Handle {
  cublasHandle_t handle = nullptr;
  explicit Handle(cudaStream_t stream) {
    check(cublasCreate(&handle));
    check(cublasSetStream(handle, stream));
  }
  ~Handle() { cublasDestroy(handle); }
};

// One of each thing that a graph may hold: y = 2 y^T y + 1, z = y, and the rest of z is zero. y is 2x2.
void step(const DeviceArray<float>& y, const DeviceArray<float>& z, const Handle& cublas, cudaStream_t stream) {
  float alpha = 2, beta = 0;
  check(cudaMemsetAsync(z.data(), 0, 8 * sizeof(float), stream));
  check(cublasSgemm(cublas.handle, CUBLAS_OP_T, CUBLAS_OP_N, 2, 2, 2, &alpha, y.data(), 2, y.data(), 2, &beta, z.data(),
                    2));
  alpha = beta = NAN;  // a stored call has its own copies
  kernels::add(z.data(), 1, 4, stream);
  check(cudaMemcpyAsync(y.data(), z.data(), 4 * sizeof(float), cudaMemcpyDeviceToDevice, stream));
}

TEST_CASE("a captured step does nothing until it is launched, then what the eager one does, each time") {
  const Stream s;
  const Handle cublas(s.stream);
  const DeviceArray<float> y(Values{1, 2, 3, 4}), z(8);
  cudaGraph_t graph = nullptr;
  check(cudaStreamBeginCapture(s.stream, cudaStreamCaptureModeThreadLocal));
  cudaStreamCaptureStatus status;
  check(cudaStreamIsCapturing(s.stream, &status));
  CHECK(status == cudaStreamCaptureStatusActive);
  step(y, z, cublas, s.stream);
  check(cudaStreamEndCapture(s.stream, &graph));
  check(cudaStreamIsCapturing(s.stream, &status));
  CHECK(status == cudaStreamCaptureStatusNone);
  CHECK(y.host() == Values{1, 2, 3, 4});

  std::size_t nodes = 0;
  check(cudaGraphGetNodes(graph, nullptr, &nodes));
  CHECK(nodes == 4);
  cudaGraphExec_t executable = nullptr;
  check(cudaGraphInstantiate(&executable, graph, 0));
  check(cudaGraphDestroy(graph));

  const DeviceArray<float> eager_y(Values{1, 2, 3, 4}), eager_z(8);
  Values last;
  for (int repeat = 0; repeat < 2; ++repeat) {
    check(cudaGraphLaunch(executable, s.stream));
    step(eager_y, eager_z, cublas, s.stream);
    check(cudaStreamSynchronize(s.stream));
    CHECK(y.host() == eager_y.host());
    CHECK(z.host() == eager_z.host());
    CHECK(y.host() != last);
    last = y.host();
  }
  CHECK(eager_z.host()[4] == 0);
  check(cudaGraphExecDestroy(executable));
}

// What is left of two bytes that are written, and then copied, by a graph whose copy waits for one of them or both.
int last_written(simt::Order order, bool ordered) {
  const Stream s;
  const DeviceArray<float> x(1), y(1);
  const auto next_waits_for = [&](std::vector<cudaGraphNode_t> nodes) {
    check(cudaStreamUpdateCaptureDependencies(s.stream, nodes.data(), nullptr, nodes.size(),
                                              cudaStreamSetCaptureDependencies));
  };
  const auto last_nodes = [&] {
    cudaStreamCaptureStatus status;
    const cudaGraphNode_t* nodes = nullptr;
    std::size_t count = 0;
    check(cudaStreamGetCaptureInfo(s.stream, &status, nullptr, nullptr, &nodes, nullptr, &count));
    CHECK(status == cudaStreamCaptureStatusActive);
    return std::vector<cudaGraphNode_t>(nodes, nodes + count);
  };
  cudaGraph_t graph = nullptr;
  check(cudaStreamBeginCapture(s.stream, cudaStreamCaptureModeThreadLocal));
  check(cudaMemsetAsync(x.data(), 1, 4, s.stream));
  const std::vector<cudaGraphNode_t> first = last_nodes();
  if (!ordered) next_waits_for({});
  check(cudaMemsetAsync(x.data(), 2, 4, s.stream));
  std::vector<cudaGraphNode_t> both = last_nodes();
  CHECK(first.size() == 1);
  CHECK(both.size() == 1);
  both.push_back(first[0]);
  next_waits_for(both);
  check(cudaMemcpyAsync(y.data(), x.data(), 4, cudaMemcpyDeviceToDevice, s.stream));
  check(cudaStreamEndCapture(s.stream, &graph));
  cudaGraphExec_t executable = nullptr;
  check(cudaGraphInstantiate(&executable, graph, 0));
  check(cudaGraphDestroy(graph));
  const simt::Options before = simt::options();
  simt::options().order = order;
  check(cudaGraphLaunch(executable, s.stream));
  simt::options() = before;
  check(cudaGraphExecDestroy(executable));
  unsigned char byte = 0;
  const Values left = y.host();
  std::memcpy(&byte, left.data(), 1);
  return byte;
}

TEST_CASE("a graph runs its nodes in any order that its edges allow, as the options say") {
  CHECK(last_written(simt::Order::forward, false) == 2);
  CHECK(last_written(simt::Order::reverse, false) == 1);
  for (const simt::Order order : {simt::Order::forward, simt::Order::reverse, simt::Order::random})
    CHECK(last_written(order, true) == 2);
}

TEST_CASE("what a capture forbids is refused, and spoils the capture") {
  const Stream s;
  const DeviceArray<float> y(4);
  Values host(4);
  void* memory = nullptr;
  const std::function<cudaError_t()> calls[] = {
      [&] { return cudaMalloc(&memory, 16); },
      [&] { return cudaFree(memory); },
      [&] { return cudaMallocHost(&memory, 16); },
      [&] { return cudaStreamSynchronize(s.stream); },
      [&] { return cudaDeviceSynchronize(); },
      [&] { return cudaMemcpy(host.data(), y.data(), 16, cudaMemcpyDeviceToHost); },
      [&] { return cudaMemcpyAsync(host.data(), y.data(), 16, cudaMemcpyDeviceToHost, s.stream); },  // pageable
      [&] { return cudaMemset(y.data(), 0, 16); },
  };
  for (const auto& call : calls) {
    CAPTURE(&call - calls);
    check(cudaStreamBeginCapture(s.stream, cudaStreamCaptureModeGlobal));
    kernels::add(y.data(), 1, 4, s.stream);
    CHECK(call() == cudaErrorStreamCaptureUnsupported);
    CHECK(cudaMemsetAsync(y.data(), 0, 16, s.stream) == cudaErrorStreamCaptureInvalidated);
    cudaGraph_t graph = nullptr;
    CHECK(cudaStreamEndCapture(s.stream, &graph) == cudaErrorStreamCaptureInvalidated);
    CHECK(graph == nullptr);
    CHECK(cudaStreamSynchronize(s.stream) == cudaSuccess);
  }
  cudaGetLastError();
}

TEST_CASE("the default stream cannot be used while a stream that it waits for captures") {
  const DeviceArray<float> y(4);
  for (const unsigned flags : {cudaStreamDefault, cudaStreamNonBlocking}) {
    cudaStream_t stream = nullptr;
    cudaGraph_t graph = nullptr;
    check(cudaStreamCreateWithFlags(&stream, flags));
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
    const bool blocking = flags == cudaStreamDefault;
    CHECK(cudaMemsetAsync(y.data(), 0, 16, nullptr) == (blocking ? cudaErrorStreamCaptureImplicit : cudaSuccess));
    CHECK(cudaStreamEndCapture(stream, &graph) == (blocking ? cudaErrorStreamCaptureInvalidated : cudaSuccess));
    if (graph) check(cudaGraphDestroy(graph));
    check(cudaStreamDestroy(stream));
  }
  cudaGetLastError();
}

TEST_CASE("new device memory is NaN, and there is no more than the options say") {
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total));
  const std::size_t before = simt::options().device_bytes;
  simt::options().device_bytes = total - free + 1000;
  {
    const DeviceArray<float> y(200);
    for (const float v : y.host()) CHECK(std::isnan(v));
    check(cudaMemGetInfo(&free, &total));
    CHECK(free == 200);
    check_error(error_of([] { DeviceArray<float>(51); }), Exit::device,
                {"cudaErrorMemoryAllocation (out of memory)", "device_array.h:", "smaller batch"});
  }
  const DeviceArray<float> again(250);
  simt::options().device_bytes = before;
  cudaGetLastError();
}

TEST_CASE("copies in the wrong direction or past the end are refused") {
  const DeviceArray<float> y(4);
  Values host(8);
  CHECK(cudaMemcpy(y.data(), host.data(), 16, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(y.data(), host.data(), 16, cudaMemcpyDeviceToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(y.data(), host.data(), 20, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(host.data(), y.data() + 1, 16, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  CHECK(cudaMemset(y.data(), 0, 20) == cudaErrorInvalidValue);
  CHECK(cudaFree(y.data() + 1) == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK(cudaMemcpy(y.data(), host.data(), 16, cudaMemcpyDefault) == cudaSuccess);
}

TEST_CASE("events give the time between them, unless a capture has them") {
  const Stream s;
  cudaEvent_t from = nullptr, to = nullptr;
  check(cudaEventCreate(&from));
  check(cudaEventCreate(&to));
  float milliseconds = -1;
  CHECK(cudaEventElapsedTime(&milliseconds, from, to) == cudaErrorInvalidResourceHandle);
  check(cudaEventRecord(from, s.stream));
  check(cudaEventRecord(to, s.stream));
  check(cudaEventSynchronize(to));
  check(cudaEventElapsedTime(&milliseconds, from, to));
  CHECK(milliseconds >= 0);

  cudaGraph_t graph = nullptr;
  check(cudaStreamBeginCapture(s.stream, cudaStreamCaptureModeGlobal));
  check(cudaEventRecord(to, s.stream));
  CHECK(cudaEventSynchronize(to) == cudaErrorCapturedEvent);
  check(cudaStreamEndCapture(s.stream, &graph));
  check(cudaGraphDestroy(graph));
  check(cudaEventDestroy(from));
  check(cudaEventDestroy(to));
  cudaGetLastError();
}

TEST_CASE("a device that cannot be used: what failed, where, and how to go on without it") {
  for (const cudaError_t error : {cudaErrorNoDevice, cudaErrorInsufficientDriver, cudaErrorNoKernelImageForDevice,
                                  cudaErrorInvalidDeviceFunction, cudaErrorUnsupportedPtxVersion})
    check_error(error_of([&] { check(error); }), Exit::device,
                {cudaGetErrorName(error), cudaGetErrorString(error), "runtime_test.cpp:", "or use --device cpu"});
}

TEST_CASE("there is one device") {
  int count = 0;
  check(cudaGetDeviceCount(&count));
  CHECK(count == 1);
  CHECK(cudaSetDevice(1) == cudaErrorInvalidDevice);
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, 0));
  CHECK(std::strcmp(properties.name, "simt") == 0);
  int major = 0;
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0));
  CHECK(major == properties.major);
  cudaGetLastError();
}

}  // namespace
}  // namespace snag
