#include "kernels/matmul.h"

#include "kernels/cuda/cublas.cuh"
#include "kernels/cuda/work.cuh"

namespace snag {
namespace {

// cuBLAS counts columns first: rows of c = a b are columns of c^T = b^T a^T.
void multiply(const Cuda& cuda, const MatMul& k, std::source_location where) {
  const cublasComputeType_t compute[] = {CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_32F_FAST_TF32,
                                         CUBLAS_COMPUTE_32F_FAST_16BF};
  const float one = 1, zero = 0;
  check(cublasGemmEx(cuda.cublas, k.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N, k.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N,
                     k.c.shape.c, k.c.shape.n, k.inner(), &one, k.b.data, CUDA_R_32F, k.b.shape.c, k.a.data, CUDA_R_32F,
                     k.a.shape.c, &zero, k.c.data, CUDA_R_32F, k.c.shape.c, compute[static_cast<int>(cuda.precision)],
                     CUBLAS_GEMM_DEFAULT),
        where);
}

void multiply_each(const Cuda& cuda, std::span<const Prepared* const> works) {
  for (const Prepared* p : works) {
    MatMul k;
    std::memcpy(&k, p->work.data(), sizeof k);
    multiply(cuda, k, p->where);
  }
}

constexpr Program kMultiply{1, multiply_each};

}  // namespace

// cuBLAS has one workspace: of two products of a recorded step one waits for the other.
void launch(Cuda& cuda, const MatMul& k) {
  Prepared p{.program = &kMultiply,
             .blocks = 0,
             .needs = {},
             .where = std::source_location::current(),
             .operands = {reads(k.a), reads(k.b), writes(k.c),
                          writes(cuda.workspace, {.c = static_cast<int>(cuda.workspace_floats)})}};
  std::memcpy(p.work.data(), &k, sizeof k);
  run(cuda, p);
}

}  // namespace snag
