#pragma once
// Tensors as bf16, for tensor cores: half as much to bring to them, and it may lie as it likes. Tensors of the engine
// are floats. What a product wants in bf16 is kept beside, in memory of the step: by the work that writes the tensor,
// where a recorded step knows it and it can, else by a work more. Where bf16 would be too coarse, what it lacks of each
// float is kept as bf16, too.
#include <cstdint>

#include "kernels/cuda/fours.cuh"
#include "kernels/cuda/mma.cuh"
#include "kernels/cuda/work.cuh"

namespace snag {

// Elements i .. i + 3 as bf16.
__device__ inline void store_four(const Bf16Copy& to, int i, float4 v) {
  const uint2 high = make_uint2(pack_bf16(v.x, v.y), pack_bf16(v.z, v.w));
  *reinterpret_cast<uint2*>(to.high + i) = high;
  const auto low = [](float x, float y, unsigned of_both) {
    return pack_bf16(x - __uint_as_float(of_both << 16), y - __uint_as_float(of_both & 0xffff0000u));
  };
  if (to.low != 0)
    *reinterpret_cast<uint2*>(to.high + to.low + i) = make_uint2(low(v.x, v.y, high.x), low(v.z, v.w, high.y));
}
// And as they are.
__device__ inline void store_four(float* y, const Bf16Copy& also, int i, float4 v) {
  four(y, i) = v;
  if (also.high) store_four(also, i, v);
}

// A tensor that lies there already, of a multiple of four elements.
struct ToBf16 {
  static constexpr int threads = 256, resident = 2;
  View y;
  Bf16Copy also;
  Grid grid;
  View output() const { return y; }

  __device__ void run(Place at) const {
    const int size = y.shape.size();
    for (int i = (at.x * threads + static_cast<int>(threadIdx.x)) * 4; i < size; i += grid.x * threads * 4)
      store_four(also, i, four(y.data, i));
  }
};

// An operand of a product, as it reads it.
template <class Scalar>
struct Source {
  const Scalar* data = nullptr;
  int low = 0;  // in two parts: elements from the first to the second
};
template <class Scalar>
void add_reads(const Source<Scalar>& s, Shape shape, std::vector<Operand>& to) {
  to.push_back(reads(s.data, shape));
  if (s.low != 0) to.push_back(reads(s.data + s.low, shape));
}

// Where the elements of x lie as bf16, in one part or two, 16-byte aligned.
Source<Bf16> as_bf16(Cuda&, ConstView x, int parts);
// As operands of such a tile.
template <class T>
Source<typename T::Scalar> source(Cuda& cuda, ConstView x) {
  if constexpr (std::is_same_v<typename T::Scalar, float>)
    return {x.data};
  else
    return as_bf16(cuda, x, T::parts);
}

// Microseconds that it takes to have so much as bf16, estimated: most works that write a tensor keep it so, for two
// products; weights are copied by a work more.
inline double bf16_time(Shape map) { return 1 + map.size() / 2.5e6; }
inline double bf16_time_of_weights(Shape w) { return 0.5 + w.size() / 1.5e6; }

}  // namespace snag
