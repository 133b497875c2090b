#include "bench/gpu/peers.h"

#ifdef SNAG_CUDNN
#include <cudnn.h>

#include <array>
#include <variant>

#include "kernels/cuda/handles.h"

namespace snag::gpu {
namespace {

constexpr std::size_t kWorkspace = std::size_t{512} << 20;
constexpr int kAlgorithms = 16;

void check_dnn(cudnnStatus_t status, std::source_location where = std::source_location::current()) {
  if (status != CUDNN_STATUS_SUCCESS)
    device_failure(std::string("cuDNN: ") + cudnnGetErrorString(status), "set CUDNN_LOGLEVEL_DBG=2 to see why", where);
}

// Descriptors of one convolution's operands, all channels last.
struct Problem {
  Problem(Shape big_shape, Shape small_shape, Shape w_shape, Conv g, Precision precision) {
    check_dnn(cudnnCreateTensorDescriptor(&big));
    check_dnn(cudnnCreateTensorDescriptor(&small));
    check_dnn(cudnnCreateFilterDescriptor(&w));
    check_dnn(cudnnCreateConvolutionDescriptor(&conv));
    tensor(big, big_shape);
    tensor(small, small_shape);
    check_dnn(
        cudnnSetFilter4dDescriptor(w, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC, w_shape.n, w_shape.c, g.kernel, g.kernel));
    check_dnn(cudnnSetConvolution2dDescriptor(conv, g.pad, g.pad, g.stride, g.stride, 1, 1, CUDNN_CROSS_CORRELATION,
                                              CUDNN_DATA_FLOAT));
    math(precision == Precision::fp32 ? CUDNN_FMA_MATH : CUDNN_TENSOR_OP_MATH);
  }
  ~Problem() {
    (void)cudnnDestroyTensorDescriptor(big);
    (void)cudnnDestroyTensorDescriptor(small);
    (void)cudnnDestroyFilterDescriptor(w);
    (void)cudnnDestroyConvolutionDescriptor(conv);
  }
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;
  void math(cudnnMathType_t type) const { check_dnn(cudnnSetConvolutionMathType(conv, type)); }

  cudnnTensorDescriptor_t big = nullptr, small = nullptr;
  cudnnFilterDescriptor_t w = nullptr;
  cudnnConvolutionDescriptor_t conv = nullptr;

 private:
  static void tensor(cudnnTensorDescriptor_t d, Shape s) {
    check_dnn(cudnnSetTensor4dDescriptor(d, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, s.n, s.c, s.h, s.w));
  }
};

const float kOne = 1, kZero = 0;

// The fastest algorithm that ran, in the arithmetic asked for; null where none did.
template <class Found>
const Found* best(const std::array<Found, kAlgorithms>& found, int count, bool strict) {
  for (int i = 0; i < count; ++i) {
    const Found& f = found[static_cast<std::size_t>(i)];
    const bool plain = f.mathType == CUDNN_FMA_MATH || f.mathType == CUDNN_DEFAULT_MATH;
    if (f.status == CUDNN_STATUS_SUCCESS && f.memory <= kWorkspace && (plain || !strict)) return &f;
  }
  return nullptr;
}

template <class Found>
std::string described(const Found& f) {
  return "cuDNN algorithm " + std::to_string(static_cast<int>(f.algo)) +
         (f.determinism == CUDNN_DETERMINISTIC ? "" : ", not deterministic");
}

const Peer kNone{{}, "cuDNN: no algorithm"};

}  // namespace

struct Cudnn::Handle {
  cudnnHandle_t dnn = nullptr;
  DeviceMemory workspace = device_memory(kWorkspace);
  Handle() { check_dnn(cudnnCreate(&dnn)); }
  ~Handle() { (void)cudnnDestroy(dnn); }

  // The math type that a search found; strict arithmetic stays as it was set.
  static void choose(const Problem& p, cudnnMathType_t found, bool strict) {
    if (!strict) p.math(found);
  }

  Peer of(const ConvDown& k, Precision precision) const {
    const auto p = std::make_shared<Problem>(k.big.shape, k.small.shape, k.w.shape, k.g, precision);
    std::array<cudnnConvolutionFwdAlgoPerf_t, kAlgorithms> found{};
    int count = 0;
    check_dnn(cudnnFindConvolutionForwardAlgorithmEx(dnn, p->big, k.big.data, p->w, k.w.data, p->conv, p->small,
                                                     k.small.data, kAlgorithms, &count, found.data(), workspace.get(),
                                                     kWorkspace));
    const auto* f = best(found, count, precision == Precision::fp32);
    if (!f) return kNone;
    choose(*p, f->mathType, precision == Precision::fp32);
    return {[this, p, k, algorithm = f->algo] {
              check_dnn(cudnnConvolutionForward(dnn, &kOne, p->big, k.big.data, p->w, k.w.data, p->conv, algorithm,
                                                workspace.get(), kWorkspace, &kZero, p->small, k.small.data));
            },
            described(*f)};
  }

  Peer of(const ConvUp& k, Precision precision) const {
    const auto p = std::make_shared<Problem>(k.big.shape, k.small.shape, k.w.shape, k.g, precision);
    std::array<cudnnConvolutionBwdDataAlgoPerf_t, kAlgorithms> found{};
    int count = 0;
    check_dnn(cudnnFindConvolutionBackwardDataAlgorithmEx(dnn, p->w, k.w.data, p->small, k.small.data, p->conv, p->big,
                                                          k.big.data, kAlgorithms, &count, found.data(),
                                                          workspace.get(), kWorkspace));
    const auto* f = best(found, count, precision == Precision::fp32);
    if (!f) return kNone;
    choose(*p, f->mathType, precision == Precision::fp32);
    return {
        [this, p, k, algorithm = f->algo] {
          check_dnn(cudnnConvolutionBackwardData(dnn, &kOne, p->w, k.w.data, p->small, k.small.data, p->conv, algorithm,
                                                 workspace.get(), kWorkspace, &kZero, p->big, k.big.data));
        },
        described(*f)};
  }

  Peer of(const ConvWeight& k, Precision precision) const {
    const auto p = std::make_shared<Problem>(k.big.shape, k.small.shape, k.dw.shape, k.g, precision);
    std::array<cudnnConvolutionBwdFilterAlgoPerf_t, kAlgorithms> found{};
    int count = 0;
    check_dnn(cudnnFindConvolutionBackwardFilterAlgorithmEx(dnn, p->big, k.big.data, p->small, k.small.data, p->conv,
                                                            p->w, k.dw.data, kAlgorithms, &count, found.data(),
                                                            workspace.get(), kWorkspace));
    const auto* f = best(found, count, precision == Precision::fp32);
    if (!f) return kNone;
    choose(*p, f->mathType, precision == Precision::fp32);
    return {
        [this, p, k, algorithm = f->algo] {
          check_dnn(cudnnConvolutionBackwardFilter(dnn, &kOne, p->big, k.big.data, p->small, k.small.data, p->conv,
                                                   algorithm, workspace.get(), kWorkspace, &kZero, p->w, k.dw.data));
        },
        described(*f)};
  }

  template <class K>
  Peer of(const K&, Precision) const {
    return {};
  }
};

Cudnn::Cudnn(const Stream& stream) : handle_(std::make_unique<Handle>()) {
  check_dnn(cudnnSetStream(handle_->dnn, stream.get()));
}
Cudnn::~Cudnn() = default;

// The algorithms named by number take FP32 operands in FP32 or TF32 arithmetic only: for BF16 the operands would have
// to be BF16 in memory, which is another problem than the one timed.
Peer Cudnn::convolution(const Kernel& kernel, Precision precision) const {
  if (precision == Precision::bf16) return {{}, "cuDNN: FP32 operands, BF16 products not offered"};
  try {
    return std::visit([&](const auto& k) { return handle_->of(k, precision); }, kernel);
  } catch (const Error& e) {
    (void)cudaGetLastError();
    return {{}, e.what()};
  }
}

std::string Cudnn::version() { return "cuDNN " + std::to_string(cudnnGetVersion()); }

}  // namespace snag::gpu
#else
namespace snag::gpu {

struct Cudnn::Handle {};
Cudnn::Cudnn(const Stream&) {}
Cudnn::~Cudnn() = default;
Peer Cudnn::convolution(const Kernel&, Precision) const { return {{}, "no cuDNN in this build"}; }
std::string Cudnn::version() { return "no cuDNN in this build"; }

}  // namespace snag::gpu
#endif
