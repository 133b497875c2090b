#pragma once
// Tensors as bf16, for tensor cores: half as much to bring to them, and it may lie as it likes. Tensors of the engine
// are floats. What a product wants in bf16 is kept beside, in memory of the step: by the work that writes the tensor,
// where a recorded step knows it and it can, else by a work more.
#include <cstdint>

#include "kernels/cuda/fours.cuh"
#include "kernels/cuda/mma.cuh"
#include "kernels/cuda/work.cuh"

namespace snag {

// The upper half of a float.
struct Bf16 {
  std::uint16_t bits;
};

// Elements i .. i + 3, and as bf16 where `also` is not null.
__device__ inline void store_four(float* y, Bf16* also, int i, float4 v) {
  four(y, i) = v;
  if (also) *reinterpret_cast<uint2*>(also + i) = make_uint2(pack_bf16(v.x, v.y), pack_bf16(v.z, v.w));
}

// A tensor that lies there already, of a multiple of four elements.
struct ToBf16 {
  static constexpr int threads = 256, resident = 2;
  View y;
  Bf16* also;
  Grid grid;
  View output() const { return y; }

  __device__ void run(Place at) const {
    const int size = y.shape.size();
    for (int i = (at.x * threads + static_cast<int>(threadIdx.x)) * 4; i < size; i += grid.x * threads * 4) {
      const float4 x = four(y.data, i);
      *reinterpret_cast<uint2*>(also + i) = make_uint2(pack_bf16(x.x, x.y), pack_bf16(x.z, x.w));
    }
  }
};

// Where the elements of x lie as bf16, 16-byte aligned.
const Bf16* as_bf16(Cuda&, ConstView x);
// As this type.
template <class Scalar>
const Scalar* as(Cuda& cuda, ConstView x) {
  if constexpr (std::is_same_v<Scalar, float>)
    return x.data;
  else
    return as_bf16(cuda, x);
}

// Microseconds that it takes to have so much as bf16, estimated: most works that write a tensor keep it so, for two
// products; weights are copied by a work more.
inline double bf16_time(Shape map) { return 1 + map.size() / 2.5e6; }
inline double bf16_time_of_weights(Shape w) { return 2 + w.size() / 1e6; }

}  // namespace snag
