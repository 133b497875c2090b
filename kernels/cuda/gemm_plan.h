#pragma once
// Which tile a product takes, and over how many blocks its reduction is split: by an estimate of its time.
#include <algorithm>
#include <string>
#include <type_traits>

#include "kernels/cuda/cuda.h"
#include "kernels/cuda/gemm_warpgroup.cuh"
#include "kernels/cuda/work.cuh"

namespace snag {

struct GemmSize {
  int tiles;            // of d
  int chunks;           // of the longest reduction, T::k each
  int rows;             // of a tile, at most
  bool across = false;  // neighbours in memory are not those along k, of both operands
  double before = 0;    // microseconds of what must run first
  // Of the whole output, where splits leave parts of it (parts.cuh), else 0.
  int pixels = 0, outputs = 0;
};

// "128x64"; by warpgroups "128x64 wgmma", "128x64 wgmma bf16" and, of two parts, "128x64 wgmma bf16x2".
template <class T>
const char* tile_name() {
  static const std::string name = [] {
    std::string text = std::to_string(T::m) + "x" + std::to_string(T::n);
    if constexpr (ForWarpgroups<T>) {
      text += " wgmma";
      if (!std::is_same_v<typename T::Scalar, float>) text += " bf16";
      if (T::parts > 1) text += "x", text += std::to_string(T::parts);
    }
    return text;
  }();
  return name.c_str();
}

// Microseconds of a multiprocessor for a chunk where it has blocks enough, and of a chunk of a block that is alone;
// from times on an H200 with each tile in turn, such as kernel_bench --tiles takes.
struct ChunkTime {
  double busy, alone;
};
template <class T>
ChunkTime chunk_time(Precision precision, bool across) {
  const bool fp32 = precision == Precision::fp32, bf16 = precision == Precision::bf16;
  if constexpr (std::is_same_v<T, SmallTile>) return fp32 ? ChunkTime{1.2, 1.2} : ChunkTime{0.44, 0.56};
  if constexpr (std::is_same_v<T, TallTile>)
    return fp32 ? ChunkTime{2.15, 2.6} : bf16 ? ChunkTime{0.62, 0.8} : ChunkTime{0.7, 0.85};
  if constexpr (std::is_same_v<T, LargeTile>)
    return fp32 ? ChunkTime{4.0, 4.0} : bf16 ? ChunkTime{1.08, 1.08} : ChunkTime{1.28, 1.28};
  if constexpr (std::is_same_v<T, WideTile<float>>) return {0.45, 0.72};
  if constexpr (std::is_same_v<T, HugeTile<float>>) return {0.8, 0.8};
  if constexpr (std::is_same_v<T, LongTile<float>>) return {0.6, 0.6};
  if constexpr (std::is_same_v<T, HalfTile<float>>) return {0.35, 0.52};
  if constexpr (std::is_same_v<T, WideTile<Bf16>>) return {0.5, 0.62};
  if constexpr (std::is_same_v<T, LongTile<Bf16>>) return across ? ChunkTime{0.7, 0.7} : ChunkTime{0.58, 0.58};
  if constexpr (std::is_same_v<T, HalfTile<Bf16>>) return across ? ChunkTime{0.5, 0.7} : ChunkTime{0.38, 0.5};
  if constexpr (std::is_same_v<T, LongTile<Bf16, 2>>) return {0.75, 0.75};
  if constexpr (std::is_same_v<T, HalfTile<Bf16, 2>>) return {0.5, 0.7};
}

// Splits leave their sums in scratch memory, or parts of the output.
template <class T>
Tiling gemm_plan(const Cuda& cuda, const GemmSize& size) {
  // Microseconds: blocks that leave sums to the last; a round of its reads, so many of each thread. Another work that
  // adds parts; a round of its reads, so many for each 256 pixels.
  constexpr double kMeeting = 3, kRound = 1.2, kAdding = 1.5, kPartsRound = 1.2;
  constexpr int kAtOnce = 16;
  const ChunkTime chunk = chunk_time<T>(cuda.precision, size.across);
  const auto estimate = [&](int splits) {
    const int each = ceil_div(size.tiles * splits, cuda.multiprocessors), waves = ceil_div(each, T::resident),
              together = std::min(each, T::resident);
    double us = size.before + waves * ceil_div(size.chunks, splits) * std::max(chunk.alone, together * chunk.busy);
    if (splits > 1 && size.outputs > 0)
      us += kAdding + kPartsRound * ceil_div(ceil_div(size.pixels, 256) * splits, kAtOnce);
    else if (splits > 1)
      us += kMeeting + kRound * ceil_div(ceil_div(std::min(size.rows, T::m) * T::n / 4, T::threads) * splits, kAtOnce);
    return us;
  };
  Tiling best{tile_name<T>(), 1, estimate(1)};
  if (size.tiles == 0 || size.tiles > kMostTickets) return best;
  const std::size_t partial =
      size.outputs > 0 ? static_cast<std::size_t>(size.outputs) : static_cast<std::size_t>(size.tiles) * T::m * T::n;
  const int most = std::min(static_cast<int>(kMostPartial / partial), std::min(64, size.chunks / 2));
  for (int splits = 2; splits <= most; ++splits)
    if (const double us = estimate(splits); us < best.microseconds) best = {tile_name<T>(), splits, us};
  return best;
}

}  // namespace snag
