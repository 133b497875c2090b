#include <cublas_v2.h>

#include <cstring>
#include <random>

#include "bench/gpu/peers.h"
#include "kernels/cuda/handles.h"

namespace snag::gpu {
namespace {

constexpr int kSquare = 4096;

cublasComputeType_t compute(Precision p) {
  return p == Precision::fp32   ? CUBLAS_COMPUTE_32F_PEDANTIC
         : p == Precision::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                : CUBLAS_COMPUTE_32F_FAST_16BF;
}

// Random operands: products of zeros draw less power and run faster than real ones.
DeviceMemory square(bool half) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(std::size_t{kSquare} * kSquare);
  for (float& v : values) v = normal(random);
  const std::size_t element = half ? 2 : 4;
  std::vector<unsigned char> bytes(values.size() * element);
  for (std::size_t i = 0; i < values.size(); ++i)  // the upper half of a float is a bf16
    std::memcpy(&bytes[i * element], reinterpret_cast<const unsigned char*>(&values[i]) + (4 - element), element);
  DeviceMemory memory = device_memory(bytes.size());
  check(cudaMemcpy(memory.get(), bytes.data(), bytes.size(), cudaMemcpyHostToDevice));
  return memory;
}

}  // namespace

struct Cublas::Handle {
  snag::Cublas cublas = make_cublas();
  DeviceMemory workspace = device_memory(kWorkspace);
  static constexpr std::size_t kWorkspace = std::size_t{64} << 20;
};

Cublas::Cublas(const Stream& stream) : handle_(std::make_unique<Handle>()) {
  check(cublasSetStream(handle_->cublas.get(), stream.get()));
  check(cublasSetWorkspace(handle_->cublas.get(), handle_->workspace.get(), Handle::kWorkspace));
}
Cublas::~Cublas() = default;

// cuBLAS is column-major, which sees our matrices transposed: c' = b' a'.
Peer Cublas::product(const MatMul& k, Precision precision) const {
  const auto call = [k, precision, handle = handle_->cublas.get()] {
    const float one = 1, zero = 0;
    check(cublasGemmEx(handle, k.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N, k.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N,
                       k.c.shape.c, k.c.shape.n, k.inner(), &one, k.b.data, CUDA_R_32F, k.b.shape.c, k.a.data,
                       CUDA_R_32F, k.a.shape.c, &zero, k.c.data, CUDA_R_32F, k.c.shape.c, compute(precision),
                       CUBLAS_GEMM_DEFAULT));
  };
  return {call, "cuBLAS"};
}

double Cublas::ceiling(const Stream& stream, Precision precision) const {
  const bool half = precision == Precision::bf16;
  const DeviceMemory a = square(half), b = square(half), c = square(false);
  const cudaDataType_t type = half ? CUDA_R_16BF : CUDA_R_32F;
  const auto call = [&, handle = handle_->cublas.get()] {
    const float one = 1, zero = 0;
    check(cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, kSquare, kSquare, kSquare, &one, a.get(), type, kSquare,
                       b.get(), type, kSquare, &zero, c.get(), CUDA_R_32F, kSquare,
                       half ? CUBLAS_COMPUTE_32F : compute(precision), CUBLAS_GEMM_DEFAULT));
  };
  constexpr int repeats = 5;
  const Contender product{"cuBLAS", stream.record(call, repeats), repeats};
  return 2.0 * kSquare * kSquare * kSquare / microseconds({&product}, 5)[0] * 1e-6;
}

}  // namespace snag::gpu
