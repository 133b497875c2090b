#pragma once
#include <memory>

#include "kernels/backend.h"
#ifdef SNAG_SIMT
#include "kernels/simt/simt.h"
#endif

namespace snag {

inline std::unique_ptr<Backend> cuda(CudaOptions options) {
  if (options.arena_bytes == 0) options.arena_bytes = std::size_t{64} << 20;
  return make_cuda_backend(options);
}

// Calls f once for each way in which simt can run threads and fill shared memory; on a GPU twice.
template <class F>
void each_schedule(const F& f) {
#ifdef SNAG_SIMT
  const simt::Options before = simt::options();
  for (const auto& [order, fill] : {std::pair{simt::Order::forward, 0xFF},
                                    {simt::Order::reverse, 0xFF},
                                    {simt::Order::random, 0xFF},
                                    {simt::Order::forward, 0x00}}) {
    simt::options().order = order;
    simt::options().fill = static_cast<unsigned char>(fill);
    f();
  }
  simt::options() = before;
#else
  f();
  f();
#endif
}

}  // namespace snag
