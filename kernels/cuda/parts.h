#pragma once
#include <cstddef>
#include <vector>

#include "kernels/cuda/handles.h"

namespace snag {

// Memory for the parts that products leave (parts.cuh) and for operands that are made for them (bf16.cuh,
// turn_weights.cuh): of the one that runs, or of all of a recorded step, whose parts lie side by side so that none of
// its products waits for another's; and for the scratch memory of its launches. Grows as needed and is used again.
class PartsMemory {
 public:
  float* take(std::size_t floats) {
    floats = (floats + kAlign - 1) / kAlign * kAlign;
    while (at_ < pieces_.size() && used_ + floats > pieces_[at_].floats) ++at_, used_ = 0;
    if (at_ == pieces_.size()) {
      const std::size_t size = floats > kPiece ? floats : kPiece;
      pieces_.push_back({device_memory(size * sizeof(float)), size});
    }
    float* const taken = static_cast<float*>(pieces_[at_].memory.get()) + used_;
    used_ += floats;
    return taken;
  }
  // All of it is free again, for what is queued from now on.
  void reset() { at_ = used_ = 0; }

 private:
  static constexpr std::size_t kAlign = 64, kPiece = std::size_t{1} << 20;
  struct Piece {
    DeviceMemory memory;
    std::size_t floats;
  };
  std::vector<Piece> pieces_;
  std::size_t at_ = 0, used_ = 0;  // the piece that is taken from, and what of it is taken
};

}  // namespace snag
