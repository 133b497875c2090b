#pragma once
// ConvDown and ConvUp as implicit matrix products: which tiles they take, and the sums that join their launch.
#include "kernels/cuda/fours.cuh"
#include "kernels/cuda/narrow.h"
#include "kernels/cuda/norm_at_once.h"
#include "kernels/cuda/one_channel.h"
#include "kernels/cuda/portable.cuh"
#include "kernels/cuda/windows.cuh"

namespace snag {

template <bool Up, class T>
Windows<Up, T> windows(View out, ConstView in, ConstView w, Conv g) {
  const bool each_pixel = out.shape.h * out.shape.w <= kGroupedPixels && out.shape.n >= kGroupedImages;
  const int parities = Up ? g.stride : 1;
  return {.out = out,
          .in = in,
          .w = w,
          .in_data = {},
          .w_data = {},
          .g = g,
          .group_h = each_pixel ? out.shape.h : parities,
          .group_w = each_pixel ? out.shape.w : parities,
          .n_tiles = ceil_div(out.shape.c, T::n),
          .whole = out.shape.c % 4 == 0 && aligned(out.data)};
}
template <class T>
Windows<false, T> windows(const ConvDown& k) {
  return windows<false, T>(k.small, k.big, k.w, k.g);
}
template <class T>
Windows<true, T> windows(const ConvUp& k) {
  return windows<true, T>(k.big, k.small, k.w, k.g);
}

// Four floats are copied at once: of pixels and of weights.
template <bool Up, class T>
bool fits_fours(const Windows<Up, T>& p) {
  return p.in.shape.c % 4 == 0 && (!Up || p.out.shape.c % 4 == 0) && aligned(p.in.data, p.w.data);
}

// Chunks of warpgroups have one tap; bf16 is copied in eights.
template <class T, class Problem>
bool fits_warpgroups(const Problem& p) {
  return p.in.shape.c % T::k == 0 && (std::is_same_v<typename T::Scalar, float> || p.out.shape.c % 8 == 0);
}

// Calls f with the convolution as a product in the tiles that suit it.
template <class K, class F>
auto in_tiles(const Cuda& cuda, const K& k, const F& f) {
  const auto in_tile = [&]<class T> { return windows<T>(k); };
  const auto small = windows<SmallTile>(k);
  const bool fours = fits_fours(small), warpgroups = fours && cuda.warpgroups && cuda.precision != Precision::fp32;
  if (warpgroups && cuda.precision == Precision::bf16 && fits_warpgroups<HalfTile<Bf16>>(small))
    return in_best_tile<WideTile<float>, HugeTile<float>, LongTile<float>, HalfTile<float>, WideTile<Bf16>,
                        LongTile<Bf16>, HalfTile<Bf16>>(cuda, fours, in_tile, f);
  if (warpgroups && fits_warpgroups<HalfTile<float>>(small))
    return in_best_tile<WideTile<float>, HugeTile<float>, LongTile<float>, HalfTile<float>>(cuda, fours, in_tile, f);
  return in_best_tile(cuda, fours, in_tile, f);
}

template <bool Up, class T>
void launch_windows(Cuda& cuda, Windows<Up, T> p) {
  p.in_data = source<T>(cuda, p.in);
  if constexpr (Windows<Up, T>::turns_weights)
    p.w_data = {turned_weights(cuda, p.w)};
  else
    p.w_data = source<T>(cuda, p.w);
  launch_gemm(cuda, p, fits_fours(p));
}

template <class K>
void launch_down_or_up(Cuda& cuda, const K& k) {
  if (launch_one_channel(cuda, k) || launch_narrow(cuda, k)) return;
  if (k.g.kernel > kMaxKernel) return launch_portable(cuda, k);
  in_tiles(cuda, k, [&](const auto& p) { launch_windows(cuda, p); });
}

// Within the launch of the convolution before, or after it.
template <class C, class K>
bool join(Cuda& cuda, const C& before, const K& k, ConstView summed) {
  if (fits_one_channel(before.big, before.small, before.g) || fits_narrow(before) || before.g.kernel > kMaxKernel)
    return false;
  if (fits_at_once(summed, k.groups())) return norm_of_parts(cuda, k);
  return in_tiles(cuda, before, [&](auto problem) {
    if (problem.out.data != summed.data || problem.out.shape != summed.shape || summed.shape.size() == 0) return false;
    problem.join(k);
    Needs needs = problem.tile_needs();
    if (problem.tiles() * k.groups() > kMostTiles || needs.partial > kMostPartial) return false;
    if (cuda.recorded) {
      std::vector<Operand> operands = std::move(cuda.recorded->back().operands);
      cuda.recorded->pop_back();
      launch_windows(cuda, problem);
      cuda.recorded->back().operands = std::move(operands);
    } else {
      using Work = SumsPass<decltype(problem)>;
      needs.shared = problem.tile_shared;
      run(cuda, Work{.problem = problem, .grid = {problem.m_tiles(), problem.n_blocks()}, .scratch = {}}, needs);
    }
    return true;
  });
}

}  // namespace snag
