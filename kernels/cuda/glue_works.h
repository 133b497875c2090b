#pragma once
// The works that may share a launch of glue (glue.cu), by name: their definitions are needed there alone.
#include <tuple>
#include <type_traits>
#include <variant>

#include "kernels/kernels.h"

namespace snag {

template <class K>
struct Portable;
template <class Reduction>
struct Reduce;
struct PlainSum;
struct SquaredSum;
struct NormStats;
struct NormGradSums;
template <class K>
struct ChannelMap;
struct ShortRow;
struct LongRow;
template <class Norm>
struct NormAtOnce;
struct ForwardNorm;
struct BackwardNorm;
struct AddParts;
struct TurnWeights;
struct ToBf16;
template <class K>
struct MapParts;
template <class Row>
struct LargestMean;
template <class Row>
struct LargestMeanGrad;
struct PatchMeans;
struct AdamStep;
struct GatherImages;
struct ImageDown;
struct ImageUp;
struct ImageWeight;
struct NarrowDown;
struct NarrowUp;
struct NarrowWeight;

template <class>
struct GlueWorksOf;
template <class... K>
struct GlueWorksOf<std::variant<K...>> {
  using type =
      std::tuple<Reduce<PlainSum>, Reduce<SquaredSum>, Reduce<NormStats>, Reduce<NormGradSums>, ChannelMap<BatchNorm>,
                 ChannelMap<BatchNormGrad>, NormAtOnce<ForwardNorm>, NormAtOnce<BackwardNorm>, AddParts, TurnWeights, ToBf16,
                 MapParts<BatchNorm>, MapParts<BatchNormGrad>, MapParts<LeakyReluGrad>, LargestMean<ShortRow>,
                 LargestMean<LongRow>, LargestMeanGrad<ShortRow>, LargestMeanGrad<LongRow>, PatchMeans, AdamStep,
                 GatherImages, ImageDown, ImageUp, ImageWeight, NarrowDown, NarrowUp, NarrowWeight, Portable<K>...>;
};
using GlueWorks = GlueWorksOf<Kernel>::type;

constexpr int kNoGlue = -1;

// A class, not a function of the list: looking one up would need the definitions.
template <class W, class>
struct NumberAmong;
template <class W, class... All>
struct NumberAmong<W, std::tuple<All...>> {
  static constexpr int find() {
    int number = 0, found = kNoGlue;
    ((std::is_same_v<W, All> ? found = number++ : number++), ...);
    return found;
  }
};
// W's number in the list, or kNoGlue.
template <class W>
constexpr int glue_number() {
  return NumberAmong<W, GlueWorks>::find();
}

}  // namespace snag
