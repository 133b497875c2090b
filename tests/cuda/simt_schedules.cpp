#include "kernels/simt/simt.h"
#include "tests/cuda/cuda_device.h"

namespace snag {

void each_schedule(const std::function<void()>& f) {
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
}

}  // namespace snag
