#include "tests/cuda/cuda_device.h"

namespace snag {

void each_schedule(const std::function<void()>& f) {
  f();
  f();
}

}  // namespace snag
