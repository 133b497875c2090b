#pragma once
// Batch norm of a small map, forward or backward, in one work: a block has all pixels of its channels, so it takes
// their sums and maps them without a look at any other block. Where the map is what a product left in parts it adds
// them, too. What counts is how often a block waits for memory: it asks for all that it will need at once, first.
#include "kernels/cuda/batchnorm.cuh"
#include "kernels/cuda/norm_sums.cuh"
#include "kernels/cuda/parts.cuh"

namespace snag {

// What it does with a channel:
//   Own own(group, c)          what is known of it before the sums are
//   walk(own)                  begins the sums of one thread
//   channel(own, all)          what the map needs, after them
struct ForwardNorm {
  using Sums = ForwardSums;
  using Map = BatchNorm;
  Sums sums;
  Map map{};  // without an input nothing is mapped
  struct Own {
    float gamma, beta;
  };
  __device__ Own own(int, int c) const { return map.x.data ? Own{map.gamma.data[c], map.beta.data[c]} : Own{}; }
  __device__ Sums::Walk walk(const Own&) const { return {}; }
  __device__ Map::Channel channel(const Own& own, const NormPart& all) const {
    const auto [mean, var] = sums.result(all);
    return map.channel(mean, var, own.gamma, own.beta);
  }
  __device__ float4 other(int) const { return {}; }
};
struct BackwardNorm {
  using Sums = BackwardSums;
  using Map = BatchNormGrad;
  Sums sums;
  Map map{};
  using Own = BatchNormGradSums::Channel;
  __device__ Own own(int group, int c) const { return sums.k.channel(group, c); }
  __device__ Sums::Walk walk(const Own& own) const { return {own, sums.k.slope, 0, 0}; }
  __device__ Map::Channel channel(const Own& own, const NormPart& all) const {
    const auto [dz, dz_xhat] = sums.result(all);
    return map.channel(own.mean, own.inv, own.gamma, own.beta, dz, dz_xhat);
  }
  __device__ float4 other(int i) const { return four(sums.k.x.data, i); }
};

template <class Norm>
struct NormAtOnce {
  static constexpr int threads = 256, resident = 1;
  static constexpr int widest = 8;  // threads side by side along channels, at most
  static constexpr int sums = 8;    // of a thread: two of each of its four channels
  static constexpr std::size_t shared = sizeof(double) * sums * widest * (threads / 32 + 2);

  Norm norm;
  Parts from{};   // of what is summed: x, or dy
  View whole{};   // where that is kept; empty: it is there already
  int width = 1;  // threads side by side, four channels each
  int teams = 1;  // of threads, one or two, which share the groups
  Grid grid{};
  Bf16Copy also{};
  View output() const { return norm.map.x.data ? snag::output(norm.map) : View{}; }

  __device__ void run(Place at) const {
    const int rows = threads / teams / width;
    if (pixels() <= rows)
      run<1, 12>(at.x);
    else if (pixels() <= 2 * rows)
      run<2, 5>(at.x);
    else
      run<4, 2>(at.x);
  }

 private:
  HD int groups() const { return norm.sums.k.groups(); }
  HD int pixels() const { return norm.sums.k.x.shape.pixels() / groups(); }

  // Pixels that a thread takes of a group; parts on their way at once.
  template <int Pixels, int AtOnce>
  __device__ void run(int block) const {
    DYN_SHARED(double, memory);
    const int of_team = threads / teams, team = static_cast<int>(threadIdx.x) / of_team,
              lane = static_cast<int>(threadIdx.x) % width, row = static_cast<int>(threadIdx.x) % of_team / width,
              rows = of_team / width, channels = norm.sums.k.x.shape.c, c = 4 * (block * width + lane);
    LOOP for (int g = team; g < groups(); g += teams) {
      int place[Pixels];  // -1: there is none
      float4 other[Pixels], value[Pixels];
      typename Norm::Own own[4];
      UNROLL
      for (int i = 0; i < 4; ++i) own[i] = norm.own(g, c + i);
      UNROLL
      for (int j = 0; j < Pixels; ++j) {
        const int p = row + j * rows;
        place[j] = p < pixels() ? (g * pixels() + p) * channels + c : -1;
        other[j] = place[j] >= 0 ? norm.other(place[j]) : float4{};
      }
      add_parts<Pixels, AtOnce>(from, place, value);
      if (whole.data) {
        UNROLL
        for (int j = 0; j < Pixels; ++j)
          if (place[j] >= 0) four(whole.data, place[j]) = value[j];
      }
      NormPart all[4];
      add_up(own, place, value, other, memory + team * (threads / 32 / teams + 1) * widest * sums, all);
      UNROLL
      for (int i = 0; i < 4; ++i)
        if (row == i) norm.sums.store(g * channels + c + i, all[i]);
      if (!norm.map.x.data) continue;
      typename Norm::Map::Channel channel[4];
      UNROLL
      for (int i = 0; i < 4; ++i) channel[i] = norm.channel(own[i], all[i]);
      UNROLL
      for (int j = 0; j < Pixels; ++j)
        if (place[j] >= 0)
          store_four(snag::output(norm.map).data, also, place[j], map_four(norm.map, value[j], other[j], channel));
    }
    __syncthreads();  // what was stored of all groups is seen
    if (norm.map.x.data && team == 0 && row < 4) finish(norm.map, c + row);
  }

  // The sums of the thread's four channels, over all threads of the team that have them. The order: a thread's pixels,
  // the threads of a warp in a tree, the warps.
  template <int Pixels>
  __device__ void add_up(const typename Norm::Own (&own)[4], const int (&place)[Pixels], const float4 (&value)[Pixels],
                         const float4 (&other)[Pixels], double* memory, NormPart (&all)[4]) const {
    const int warps = threads / 32 / teams, thread = static_cast<int>(threadIdx.x) % (threads / teams),
              lane = thread % width;
    double found[sums];
    UNROLL
    for (int i = 0; i < 4; ++i) {
      auto walk = norm.walk(own[i]);
      UNROLL
      for (int j = 0; j < Pixels; ++j) {
        const float v[4] = {value[j].x, value[j].y, value[j].z, value[j].w},
                    o[4] = {other[j].x, other[j].y, other[j].z, other[j].w};
        if (place[j] >= 0) walk.add(v[i], o[i]);
      }
      const NormPart part = walk.part();
      found[2 * i] = part.sum[0], found[2 * i + 1] = part.sum[1];
    }
    for (int distance = width; distance < 32; distance *= 2) UNROLL
    for (double& s : found) s += __shfl_xor_sync(0xffffffffu, s, distance);
    if (thread % 32 < width) UNROLL
    for (int i = 0; i < sums; ++i) memory[(thread / 32 * widest + lane) * sums + i] = found[i];
    __syncthreads();
    double* const total = memory + warps * widest * sums;
    if (thread < sums * width) {
      double sum = 0;
      for (int w = 0; w < warps; ++w) sum += memory[w * widest * sums + thread];
      total[thread] = sum;
    }
    __syncthreads();
    UNROLL
    for (int i = 0; i < 4; ++i) all[i] = {{total[lane * sums + 2 * i], total[lane * sums + 2 * i + 1]}};
  }
};

}  // namespace snag
