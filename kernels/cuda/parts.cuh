#pragma once
// Where there are few tiles, the reduction of a product is split over many blocks. To let the block that comes last add
// what all have found would leave the device idle: it waits for memory, alone. So each split writes its part of the
// whole output, and another work adds the parts, on as many blocks as it likes: AddParts, or a batch norm that needs
// the output anyway (norm_at_once.cuh).
#include <optional>

#include "kernels/cuda/fours.cuh"
#include "kernels/cuda/work.cuh"

namespace snag {

// Where an output has at most so many pixels its parts are left, if there are several. Batch norm of as many fits into
// one work.
constexpr int kPartsPixels = 1024;

// A tensor as the sum of `count` others that lie `stride` floats apart. One is the tensor itself.
struct Parts {
  const float* data = nullptr;
  int stride = 0, count = 1;
};
inline Operand reads(const Parts& p) { return reads(ConstView{p.data, {.c = p.stride * p.count}}); }
inline Operand writes(const Parts& p) { return {reads(p).begin, reads(p).bytes, true}; }

// sum[j] = the four elements at at[j], zero where at[j] < 0; parts are added in their order, AtOnce of them on their
// way at once.
template <int Fours, int AtOnce>
__device__ inline void add_parts(const Parts& from, const int (&at)[Fours], float4 (&sum)[Fours]) {
  UNROLL
  for (int j = 0; j < Fours; ++j) sum[j] = make_float4(0, 0, 0, 0);
  LOOP for (int z = 0; z < from.count; z += AtOnce) {
    float4 v[AtOnce][Fours];
    UNROLL
    for (int i = 0; i < AtOnce; ++i) UNROLL
    for (int j = 0; j < Fours; ++j)
      v[i][j] = z + i < from.count && at[j] >= 0 ? four(from.data + std::int64_t{z + i} * from.stride, at[j])
                                                 : make_float4(0, 0, 0, 0);
    UNROLL
    for (int i = 0; i < AtOnce; ++i) UNROLL
    for (int j = 0; j < Fours; ++j)
      sum[j].x += v[i][j].x, sum[j].y += v[i][j].y, sum[j].z += v[i][j].z, sum[j].w += v[i][j].w;
  }
}

struct AddParts {
  static constexpr int threads = 256, resident = 1;
  View y;  // of a multiple of four elements
  Parts from;
  Grid grid;
  __device__ void run(Place at) const {
    const int i = 4 * (at.x * threads + static_cast<int>(threadIdx.x));
    if (i >= y.shape.size()) return;
    float4 sum[1];
    add_parts<1, 16>(from, {i}, sum);
    four(y.data, i) = sum[0];
  }
};

// y = the sum of the parts.
void launch_add_parts(Cuda&, View y, const Parts&);
// Where the last work of a recorded step adds the parts of y: takes it back, for one that does that and more.
std::optional<AddParts> take_back_adding(Cuda&, ConstView y);

}  // namespace snag
