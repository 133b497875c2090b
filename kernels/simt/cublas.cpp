// Stand-in for cuBLAS: the calls that Snag makes, on column-major matrices, sums in double.
#include <cublas_v2.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <string>
#include <vector>

#include "kernels/simt/mma.h"
#include "kernels/simt/runtime.h"
#include "kernels/simt/sanitizer.h"

struct cublasContext {
  cudaStream_t stream = nullptr;
  cublasMath_t math = CUBLAS_DEFAULT_MATH;
};

namespace snag::simt {
namespace {

using Rounding = float (*)(float);
float exact(float x) { return x; }
float as_tf32(float x) { return std::bit_cast<float>(to_tf32(x)); }
float as_bf16(float x) { return std::bit_cast<float>(pack_bf16(0.0f, x)); }

struct Matrix {
  const float* data;
  int ld;
  long long stride;  // from one matrix of a batch to the next
  bool transposed;
};

// c [m,n] = alpha * op(a) [m,k] * op(b) [k,n] + beta * c, for each of a batch
struct Gemm {
  Matrix a, b;
  float* c;
  int ldc;
  long long stride_c;
  int m, n, k, batch;
  float alpha, beta;
  Rounding round;
};

std::size_t elements(int rows, int columns, int ld, long long stride, int batch) {
  if (rows == 0 || columns == 0) return 0;
  return static_cast<std::size_t>(stride) * (batch - 1) + static_cast<std::size_t>(ld) * (columns - 1) + rows;
}

bool readable(const float* data, int rows, int columns, int ld) {
  for (int j = 0; j < columns; ++j)
    if (asan::poisoned(data + static_cast<std::size_t>(ld) * j, sizeof(float) * rows)) return false;
  return true;
}

// A GPU would read or write out of bounds; here nothing would notice, as this file is compiled without sanitizers.
void check_bounds(const char* name, const float* data, int rows, int columns, int ld, long long stride, int batch) {
  bool good = on_device(data, sizeof(float) * elements(rows, columns, ld, stride, batch));
  for (int i = 0; good && i < batch; ++i) good = readable(data + stride * i, rows, columns, ld);
  if (!good) report(std::string("cuBLAS: ") + name + " is not inside device memory");
}

void check_bounds(const Gemm& g) {
  const Matrix &a = g.a, &b = g.b;
  check_bounds("A", a.data, a.transposed ? g.k : g.m, a.transposed ? g.m : g.k, a.ld, a.stride, g.batch);
  check_bounds("B", b.data, b.transposed ? g.n : g.k, b.transposed ? g.k : g.n, b.ld, b.stride, g.batch);
  check_bounds("C", g.c, g.m, g.n, g.ldc, g.stride_c, g.batch);
}

// op(x) [rows, columns], rounded, column after column.
std::vector<float> packed(const Matrix& x, const float* data, int rows, int columns, Rounding round) {
  std::vector<float> out(static_cast<std::size_t>(rows) * columns);
  for (int j = 0; j < columns; ++j)
    for (int i = 0; i < rows; ++i) {
      const auto row = static_cast<std::size_t>(x.transposed ? j : i),
                 column = static_cast<std::size_t>(x.transposed ? i : j);
      out[static_cast<std::size_t>(j) * rows + i] = round(data[row + column * x.ld]);
    }
  return out;
}

void multiply(const Gemm& g, int index) {
  const std::vector<float> a = packed(g.a, g.a.data + g.a.stride * index, g.m, g.k, g.round);
  const std::vector<float> b = packed(g.b, g.b.data + g.b.stride * index, g.k, g.n, g.round);
  std::vector<double> column(static_cast<std::size_t>(g.m));
  for (int j = 0; j < g.n; ++j) {
    std::fill(column.begin(), column.end(), 0.0);
    for (int p = 0; p < g.k; ++p) {
      const double factor = b[static_cast<std::size_t>(j) * g.k + p];
      const float* from = a.data() + static_cast<std::size_t>(p) * g.m;
      for (int i = 0; i < g.m; ++i) column[i] += factor * from[i];
    }
    float* c = g.c + g.stride_c * index + static_cast<std::size_t>(j) * g.ldc;
    for (int i = 0; i < g.m; ++i)  // with beta = 0, C may hold anything, NaN too
      c[i] = static_cast<float>(g.alpha * column[i] + (g.beta == 0 ? 0.0 : double{g.beta} * c[i]));
  }
}

bool valid(cublasOperation_t op) { return op == CUBLAS_OP_N || op == CUBLAS_OP_T || op == CUBLAS_OP_C; }

cublasStatus_t enqueue(cublasHandle_t handle, const Gemm& g) {
  const bool sizes = g.m >= 0 && g.n >= 0 && g.k >= 0 && g.batch >= 0;
  if (!sizes || g.a.ld < std::max(1, g.a.transposed ? g.k : g.m) || g.b.ld < std::max(1, g.b.transposed ? g.n : g.k) ||
      g.ldc < std::max(1, g.m))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (g.m == 0 || g.n == 0 || g.batch == 0) return CUBLAS_STATUS_SUCCESS;
  const cudaError_t error = simt::enqueue(handle->stream, [g] {
    const tsan::Unwatched scope;
    check_bounds(g);
    if (!findings().empty()) return;
    for (int i = 0; i < g.batch; ++i) multiply(g, i);
  });
  return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

bool rounding(cublasComputeType_t compute, Rounding& round) {
  switch (compute) {
    case CUBLAS_COMPUTE_32F:
    case CUBLAS_COMPUTE_32F_PEDANTIC:
      round = exact;
      return true;
    case CUBLAS_COMPUTE_32F_FAST_TF32:
      round = as_tf32;
      return true;
    case CUBLAS_COMPUTE_32F_FAST_16BF:
      round = as_bf16;
      return true;
    default:
      return false;
  }
}

}  // namespace
}  // namespace snag::simt

using namespace snag::simt;  // the functions below have C linkage and global names

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  if (refuse_while_capturing() != cudaSuccess) return CUBLAS_STATUS_NOT_INITIALIZED;  // it allocates
  *handle = new cublasContext;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  handle->math = mode;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, std::size_t bytes) {
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  return bytes == 0 || on_device(workspace, bytes) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}
cublasStatus_t cublasGetVersion_v2(cublasHandle_t, int* version) {
  *version = CUBLAS_VERSION;
  return CUBLAS_STATUS_SUCCESS;
}

const char* cublasGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    default:
      return "CUBLAS_STATUS_UNKNOWN";
  }
}
const char* cublasGetStatusString(cublasStatus_t status) {
  return status == CUBLAS_STATUS_SUCCESS ? "success" : "the call was refused";
}

cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m,
                                         int n, int k, const float* alpha, const float* a, int lda, long long stride_a,
                                         const float* b, int ldb, long long stride_b, const float* beta, float* c,
                                         int ldc, long long stride_c, int batch) {
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!valid(op_a) || !valid(op_b) || !alpha || !beta) return CUBLAS_STATUS_INVALID_VALUE;
  return enqueue(handle, {.a = {a, lda, stride_a, op_a != CUBLAS_OP_N},
                          .b = {b, ldb, stride_b, op_b != CUBLAS_OP_N},
                          .c = c,
                          .ldc = ldc,
                          .stride_c = stride_c,
                          .m = m,
                          .n = n,
                          .k = k,
                          .batch = batch,
                          .alpha = *alpha,
                          .beta = *beta,
                          .round = handle->math == CUBLAS_TF32_TENSOR_OP_MATH ? as_tf32 : exact});
}

cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n,
                              int k, const float* alpha, const float* a, int lda, const float* b, int ldb,
                              const float* beta, float* c, int ldc) {
  return cublasSgemmStridedBatched(handle, op_a, op_b, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0, 1);
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
                            const void* alpha, const void* a, cudaDataType type_a, int lda, const void* b,
                            cudaDataType type_b, int ldb, const void* beta, void* c, cudaDataType type_c, int ldc,
                            cublasComputeType_t compute, cublasGemmAlgo_t) {
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!valid(op_a) || !valid(op_b) || !alpha || !beta) return CUBLAS_STATUS_INVALID_VALUE;
  Rounding round = exact;
  if (type_a != CUDA_R_32F || type_b != CUDA_R_32F || type_c != CUDA_R_32F || !rounding(compute, round))
    return CUBLAS_STATUS_NOT_SUPPORTED;
  return enqueue(handle, {.a = {static_cast<const float*>(a), lda, 0, op_a != CUBLAS_OP_N},
                          .b = {static_cast<const float*>(b), ldb, 0, op_b != CUBLAS_OP_N},
                          .c = static_cast<float*>(c),
                          .ldc = ldc,
                          .stride_c = 0,
                          .m = m,
                          .n = n,
                          .k = k,
                          .batch = 1,
                          .alpha = *static_cast<const float*>(alpha),
                          .beta = *static_cast<const float*>(beta),
                          .round = round});
}

}  // extern "C"
