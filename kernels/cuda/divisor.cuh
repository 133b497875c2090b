#pragma once
// Division on the GPU by numbers that many divisions share: the GPU has no instruction for it, and what the compiler
// makes instead is so long that a short work would spend its time there.
#include <cstdint>

#include "base/host_device.h"

namespace snag {

// By a multiplication (Granlund and Montgomery 1994). With 2^s >= 2^31 d and f = ceil(2^s / d), n f / 2^s exceeds n / d
// by less than n / 2^s < 1 / d, too little to reach the next quotient.
class Divisor {
 public:
  Divisor() = default;
  HD explicit Divisor(int d) {
    const auto divisor = static_cast<unsigned>(d);
    while (std::uint64_t{1} << (shift_ - 31) < divisor) ++shift_;
    factor_ = static_cast<std::uint32_t>(((std::uint64_t{1} << shift_) + divisor - 1) / divisor);
  }
  HD int divide(int n) const {  // n >= 0
    return static_cast<int>(static_cast<std::uint64_t>(static_cast<std::uint32_t>(n)) * factor_ >> shift_);
  }

 private:
  int shift_ = 31;
  std::uint32_t factor_ = std::uint32_t{1} << 31;
};

// Where an element lies that is number i along rows, then images.
class Raster {
 public:
  Raster() = default;
  HD Raster(int rows, int columns)
      : by_image_(rows * columns), by_row_(columns), image_(rows * columns), columns_(columns) {}
  struct At {
    int n, y, x;
  };
  HD At at(int i) const {
    const int n = by_image_.divide(i), rest = i - n * image_, y = by_row_.divide(rest);
    return {n, y, rest - y * columns_};
  }

 private:
  Divisor by_image_, by_row_;
  int image_ = 1, columns_ = 1;
};

}  // namespace snag
