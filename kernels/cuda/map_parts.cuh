#pragma once
// A map, element by element, of what a product left in parts: adds them, keeps the sum, and maps it.
#include "kernels/cuda/batchnorm.cuh"
#include "kernels/cuda/parts.cuh"

namespace snag {

// A map is as those of batch norm (batchnorm.cuh): it has output, source, other_four, map_four and finish. What belongs
// to the channels of elements i .. i + 3:
template <class K>
struct FourChannels {
  typename K::Channel channel[4];
  __device__ FourChannels(const K& k, int i) {
    UNROLL
    for (int j = 0; j < 4; ++j) channel[j] = k.channel(group_of(k.x.shape, k.groups(), i), i % k.x.shape.c + j);
  }
};
template <>
struct FourChannels<LeakyReluGrad> {
  struct None {
  } channel;
  __device__ FourChannels(const LeakyReluGrad&, int) {}
};
HD inline View output(const LeakyReluGrad& k) { return k.dx; }
HD inline ConstView source(const LeakyReluGrad& k) { return k.dy; }
__device__ inline float4 other_four(const LeakyReluGrad& k, int i) { return four(k.x.data, i); }
__device__ inline float4 map_four(const LeakyReluGrad& k, float4 dy, float4 x, FourChannels<LeakyReluGrad>::None) {
  return {k.value_of(x.x, dy.x), k.value_of(x.y, dy.y), k.value_of(x.z, dy.z), k.value_of(x.w, dy.w)};
}
__device__ inline void finish(const LeakyReluGrad&, int) {}

template <class K>
struct MapParts {
  static constexpr int threads = 256, resident = 1;
  K k;
  Parts from;
  View whole;
  Grid grid;
  Bf16Copy also{};
  View output() const { return snag::output(k); }
  __device__ void run(Place at) const {
    const int i = 4 * (at.x * threads + static_cast<int>(threadIdx.x));
    if (i >= whole.shape.size()) return;
    const FourChannels<K> own(k, i);
    const float4 other = other_four(k, i);
    float4 sum[1];
    add_parts<1, 12>(from, {i}, sum);
    four(whole.data, i) = sum[0];
    store_four(snag::output(k).data, also, i, map_four(k, sum[0], other, own.channel));
    if (i < whole.shape.c) UNROLL
    for (int j = 0; j < 4; ++j) finish(k, i + j);
  }
};

// Instead of the work that adds the parts of the map's source, if that was the last of a recorded step. False where it
// was not. All that the map reads and writes must be aligned.
template <class K>
bool launch_map_of_parts(Cuda& cuda, const K& k) {
  const std::optional<AddParts> adding = take_back_adding(cuda, source(k));
  if (!adding) return false;
  std::vector<Operand> all = operands(k);
  all.insert(all.end(), {reads(adding->from), writes(adding->y)});
  const MapParts<K> work{.k = k, .from = adding->from, .whole = adding->y, .grid = adding->grid};
  run(cuda, work, {}, std::source_location::current(), std::move(all));
  return true;
}

}  // namespace snag
