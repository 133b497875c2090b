// The stand-in for cuBLAS against plain loops.
#include <doctest/doctest.h>

#include <cmath>

#include "kernels/cuda/cublas.cuh"
#include "kernels/simt/simt.h"
#include "tests/error_of.h"
#include "tests/simt/device_array.h"

namespace snag {
namespace {

using Values = std::vector<float>;

struct Handle {
  cublasHandle_t handle = nullptr;
  Handle() { check(cublasCreate(&handle)); }
  ~Handle() { cublasDestroy(handle); }
};

Values integers(int size, int step) {
  Values x(static_cast<std::size_t>(size));
  for (int i = 0; i < size; ++i) x[static_cast<std::size_t>(i)] = static_cast<float>(i * step % 17 - 8);
  return x;
}

constexpr int m = 5, n = 3, k = 4, ld = 7;  // ld leaves a gap in every matrix

// alpha * op(a) [m,k] * op(b) [k,n] + beta * c, column-major
Values product(const Values& a, bool trans_a, const Values& b, bool trans_b, Values c, float alpha, float beta) {
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      float sum = 0;
      for (int p = 0; p < k; ++p)
        sum += a[static_cast<std::size_t>(trans_a ? p + i * ld : i + p * ld)] *
               b[static_cast<std::size_t>(trans_b ? j + p * ld : p + j * ld)];
      float& out = c[static_cast<std::size_t>(i + j * ld)];
      out = alpha * sum + (beta == 0 ? 0 : beta * out);
    }
  return c;
}

const cublasOperation_t kOperations[] = {CUBLAS_OP_N, CUBLAS_OP_T};

TEST_CASE("gemm in all transposes, with and without what C held") {
  const Handle h;
  const Values a = integers(ld * 7, 5), b = integers(ld * 7, 3), c = integers(ld * n, 7);
  for (const auto op_a : kOperations)
    for (const auto op_b : kOperations)
      for (const float beta : {0.0f, -1.0f}) {
        CAPTURE(op_a);
        CAPTURE(op_b);
        CAPTURE(beta);
        const float alpha = 2;
        const Values expected = product(a, op_a == CUBLAS_OP_T, b, op_b == CUBLAS_OP_T, c, alpha, beta);
        const DeviceArray device_a(a), device_b(b), sgemm(c), gemm_ex(c);
        check(cublasSgemm(h.handle, op_a, op_b, m, n, k, &alpha, device_a.data(), ld, device_b.data(), ld, &beta,
                          sgemm.data(), ld));
        CHECK(sgemm.host() == expected);
        check(cublasGemmEx(h.handle, op_a, op_b, m, n, k, &alpha, device_a.data(), CUDA_R_32F, ld, device_b.data(),
                           CUDA_R_32F, ld, &beta, gemm_ex.data(), CUDA_R_32F, ld, CUBLAS_COMPUTE_32F,
                           CUBLAS_GEMM_DEFAULT));
        CHECK(gemm_ex.host() == expected);
      }
}

TEST_CASE("beta = 0 overwrites NaN") {
  const Handle h;
  const float one = 1, zero = 0;
  const DeviceArray<float> a(Values{2}), b(Values{3}), c(Values{NAN});
  check(cublasSgemm(h.handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a.data(), 1, b.data(), 1, &zero, c.data(), 1));
  CHECK(c.host() == Values{6});
}

TEST_CASE("a batch is as many products") {
  const Handle h;
  const float one = 1, zero = 0;
  const Values a = integers(2 * ld * k, 5), b = integers(ld * n, 3);
  const Values second(a.begin() + ld * k, a.end()), nothing(ld * n, 0);
  const DeviceArray device_a(a), device_b(b), c(Values(2 * ld * n, 0));
  check(cublasSgemmStridedBatched(h.handle, CUBLAS_OP_N, CUBLAS_OP_N, m, n, k, &one, device_a.data(), ld, ld * k,
                                  device_b.data(), ld, 0, &zero, c.data(), ld, ld * n, 2));
  Values expected = product(a, false, b, false, nothing, 1, 0);
  for (const float v : product(second, false, b, false, nothing, 1, 0)) expected.push_back(v);
  CHECK(c.host() == expected);
}

TEST_CASE("fast modes round the operands") {
  const Handle h;
  const float one = 1, zero = 0, x = 1 + 0x1p-9f + 0x1p-12f;  // bf16 keeps 7 bits, tf32 10
  const DeviceArray<float> a(Values{x}), b(Values{1}), c(1);
  const auto times_one = [&](cublasComputeType_t compute) {
    check(cublasGemmEx(h.handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a.data(), CUDA_R_32F, 1, b.data(), CUDA_R_32F,
                       1, &zero, c.data(), CUDA_R_32F, 1, compute, CUBLAS_GEMM_DEFAULT));
    return c.host()[0];
  };
  CHECK(times_one(CUBLAS_COMPUTE_32F) == x);
  CHECK(times_one(CUBLAS_COMPUTE_32F_FAST_TF32) == 1 + 0x1p-9f);
  CHECK(times_one(CUBLAS_COMPUTE_32F_FAST_16BF) == 1);
  check(cublasSetMathMode(h.handle, CUBLAS_TF32_TENSOR_OP_MATH));
  check(cublasSgemm(h.handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a.data(), 1, b.data(), 1, &zero, c.data(), 1));
  CHECK(c.host()[0] == 1 + 0x1p-9f);
}

TEST_CASE("bad arguments are refused, and operands outside device memory reported") {
  const Handle h;
  const float one = 1, zero = 0;
  const DeviceArray<float> x(16);
  const auto gemm = [&](cublasHandle_t handle, int rows, int lda, float* c) {
    return cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, rows, 4, 4, &one, x.data(), lda, x.data(), 4, &zero, c, 4);
  };
  CHECK(gemm(nullptr, 4, 4, x.data()) == CUBLAS_STATUS_NOT_INITIALIZED);
  CHECK(gemm(h.handle, -1, 4, x.data()) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(gemm(h.handle, 4, 3, x.data()) == CUBLAS_STATUS_INVALID_VALUE);
  check_error(error_of([&] { check(gemm(h.handle, 4, 3, x.data())); }), Exit::device,
              {"CUBLAS_STATUS_INVALID_VALUE", "cublas_test.cpp:"});
  CHECK(gemm(h.handle, 4, 5, x.data()) == CUBLAS_STATUS_SUCCESS);  // A would end 3 elements late
  REQUIRE(simt::findings().size() == 1);
  CHECK(simt::take_findings()[0].starts_with("cuBLAS: A is not inside device memory"));
  CHECK(gemm(h.handle, 4, 4, x.data() + 1) == CUBLAS_STATUS_SUCCESS);
  REQUIRE(simt::findings().size() == 1);
  CHECK(simt::take_findings()[0].starts_with("cuBLAS: C is not inside device memory"));
}

}  // namespace
}  // namespace snag
