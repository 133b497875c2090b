// Which way a weight gradient is computed.
#if defined(SNAG_WEIGHT_WAY_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_WEIGHT_WAY_INL_H
#undef SNAG_WEIGHT_WAY_INL_H
#else
#define SNAG_WEIGHT_WAY_INL_H
#endif

#include "kernels/cpu/frame-inl.h"
#include "kernels/cpu/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

enum class WeightWay { image, winograd, direct, small_in_vectors, patches };

inline WeightWay weight_way(const ConvWeight& k) {
  const int big = k.big.shape.c;
  const bool small_fills = k.small.shape.c % kLanes == 0;
  if (small_fills && is_image(k.big.shape, k.g)) return WeightWay::image;
  if (by_winograd(k.big.shape, k.small.shape, k.g, kGradientsOfTile, [](auto) {})) return WeightWay::winograd;
  if (big % kLanes == 0) return WeightWay::direct;
  return small_fills && big >= 4 ? WeightWay::small_in_vectors : WeightWay::patches;
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
