#include "kernels/simt/simt.h"
#include "tests/cuda/cuda_device.h"

namespace snag {

// With a sanitizer, which watches what each thread does in any order, once.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kWatched = true;
#else
constexpr bool kWatched = false;
#endif

void each_schedule(const std::function<void()>& f) {
  const simt::Options before = simt::options();
  for (const auto& [order, fill] : {std::pair{simt::Order::random, 0xFF},
                                    {simt::Order::forward, 0xFF},
                                    {simt::Order::reverse, 0xFF},
                                    {simt::Order::forward, 0x00}}) {
    simt::options().order = order;
    simt::options().fill = static_cast<unsigned char>(fill);
    f();
    if (kWatched) break;
  }
  simt::options() = before;
}

}  // namespace snag
