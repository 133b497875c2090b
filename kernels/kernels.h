#pragma once
#include <variant>

#include "kernels/augment.h"
#include "kernels/batchnorm.h"
#include "kernels/conv.h"
#include "kernels/elementwise.h"
#include "kernels/loss.h"
#include "kernels/matmul.h"
#include "kernels/movement.h"
#include "kernels/optim.h"
#include "kernels/random.h"
#include "kernels/reduce.h"

namespace snag {

// THE list of kernels. Each is a struct of named operands with an index space, size(), and what index i computes: the
// portable form, which every device can run as a loop or a grid and every tuned form must equal. It gathers: output i
// is written by index i alone, so any order of indices gives the same bits.
using Kernel =
    std::variant<Fill, Add, Mul, Affine, AbsDiff, AbsDiffGrad, LeakyRelu, LeakyReluGrad, Tanh, TanhGrad, Power, Sigmoid,
                 SigmoidGrad, Clamp, ClampGrad, Sum, Broadcast, ImageMean, ImageSpread, ChannelSum, ChannelSpread,
                 AddBias, PatchMean, PatchMeanGrad, TopMean, TopMeanGrad, ConcatChannels, SliceChannels, PadChannels,
                 AddAll, ConcatImages, QuarterTurn, ConvDown, ConvUp, ConvWeight, MatMul, BatchNormStats, BatchNorm,
                 BatchNormGradSums, BatchNormGrad, Abc, AbcGrad, BceWithLogits, BceWithLogitsGrad,
                 LeastSquaresWithLogits, LeastSquaresWithLogitsGrad, WeightedSum, WeightEach, Advance, Adam, Accumulate,
                 GatherBatch, Dropout, DrawNormal>;

}  // namespace snag
