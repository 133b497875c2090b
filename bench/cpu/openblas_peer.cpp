#include "bench/cpu/peers.h"

#ifdef SNAG_OPENBLAS
#include <cblas.h>

namespace snag::bench {
namespace {

constexpr int kOpenMp = 2;  // of openblas_get_parallel

// OpenBLAS's own threads wait for 2^26 ticks of the clock, those of libgomp for 300,000 rounds.
std::chrono::milliseconds settle() { return std::chrono::milliseconds(openblas_get_parallel() == kOpenMp ? 12 : 40); }

}  // namespace

void set_blas_threads(int threads) { openblas_set_num_threads(threads); }

Peer blas_product(const Kernel& kernel, Backend& backend) {
  const auto* k = std::get_if<MatMul>(&kernel);
  if (!k) return {};
  const auto size = static_cast<std::size_t>(k->c.shape.size());
  auto* c = static_cast<float*>(backend.alloc(size * sizeof(float)));
  return {.run = {"OpenBLAS",
                  [k = *k, c] {
                    cblas_sgemm(CblasRowMajor, k.transpose_a ? CblasTrans : CblasNoTrans,
                                k.transpose_b ? CblasTrans : CblasNoTrans, k.c.shape.n, k.c.shape.c, k.inner(), 1,
                                k.a.data, k.a.shape.c, k.b.data, k.b.shape.c, 0, c, k.c.shape.c);
                  },
                  settle()},
          .result = [c, size] { return std::vector<float>(c, c + size); }};
}

std::string blas_version() {
  return std::string(openblas_get_config()) + (openblas_get_parallel() == kOpenMp ? " (OpenMP)" : " (its own threads)");
}

}  // namespace snag::bench
#else
namespace snag::bench {

void set_blas_threads(int) {}
Peer blas_product(const Kernel&, Backend&) { return {}; }
std::string blas_version() { return "no OpenBLAS in this build"; }

}  // namespace snag::bench
#endif
