#pragma once
#include <cstdint>

#include "engine/tape.h"

namespace snag {

// Every differentiable operation. Each checks its shapes (std::invalid_argument names both), runs its kernel and
// records how its gradient flows. Shapes are [images, channels, rows, columns]; [C] is [1,C,1,1], a scalar is
// [1,1,1,1].

// Element by element; inputs of one op have the same shape.
Tensor add(Tensor a, Tensor b);
Tensor mul(Tensor a, Tensor b);
Tensor affine(Tensor x, double scale, double shift = 0);  // scale x + shift
Tensor abs_diff(Tensor a, Tensor b);                      // |a - b|; gradient 0 where a = b
Tensor leaky_relu(Tensor x, double slope);                // slope 0 is ReLU
Tensor leaky_relu_grad(Tensor x, Tensor dy, double slope);
Tensor tanh(Tensor x, double range = 1);  // range tanh(x / range)
Tensor power(Tensor x, double exponent);  // x^exponent, x > 0
Tensor sigmoid(Tensor x);
Tensor clamp(Tensor x, double low, double high);  // gradient 0 outside

// Reductions and the broadcasts that are their adjoints.
Tensor sum(Tensor x, double scale = 1);  // -> scalar
Tensor mean(Tensor x);                   // -> scalar
Tensor broadcast(Tensor scalar, Shape, double scale = 1);
Tensor image_mean(Tensor x);                         // [N,C,H,W] -> [N,1,1,1]
Tensor image_spread(Tensor x, Shape);                // [N,1,1,1] -> [N,C,H,W], divided by C H W
Tensor channel_sum(Tensor x);                        // [N,C,H,W] -> [C]
Tensor channel_spread(Tensor x, Shape);              // [C] -> [N,C,H,W]
Tensor add_bias(Tensor x, Tensor b);                 // [N,C,H,W] + [C]
Tensor patch_mean(Tensor x, int patch, int stride);  // [N,C,H,W] -> [N,1,(H-patch)/stride+1,(W-patch)/stride+1]
Tensor top_mean(Tensor x, int count);                // mean of an image's `count` largest elements -> [N,1,1,1]

// Moving elements.
Tensor reshape(Tensor x, Shape);  // same memory, which is channels last
Tensor concat_channels(Tensor a, Tensor b);
Tensor slice_channels(Tensor x, int begin, int count);
Tensor pad_channels(Tensor x, int begin, int channels);     // into `channels`, zeros elsewhere
Tensor slice_images(Tensor x, int begin, int count);        // same memory
Tensor add_all(const std::vector<Addend>& addends, Shape);  // to zeros, each from its element `begin` on
Tensor concat_images(Tensor a, Tensor b);
Tensor quarter_turn(Tensor x, int turns);  // square maps, by turns of 90 degrees anticlockwise, as GatherBatch does

// The trilinear form sum(big w small): each op is the gradient of the two others (kernels/conv.h).
// big [N,C,H,W], w [O,C,k,k], small [N,O,P,Q]
Tensor conv_down(Tensor big, Tensor w, Conv = {});               // convolution -> small
Tensor conv_up(Tensor small, Tensor w, Conv, int h, int width);  // transposed convolution -> big [N,C,h,width]
Tensor conv_up(Tensor small, Tensor w, Conv = {});               // the same onto the least map that fits
Tensor conv_weight(Tensor big, Tensor small, Conv = {});         // -> w

// op(a) op(b), matrices as [rows, columns, 1, 1]
Tensor matmul(Tensor a, Tensor b, bool transpose_a = false, bool transpose_b = false);

// Statistics per channel, [groups, C] each: of the batch's equal parts (fixed = false: gradients flow through them), or
// constants (fixed, one group). `running`, where it is not empty, follows those of the batch.
struct Moments {
  View mean, var;
  bool fixed;
  Running running{};
};
Moments batch_moments(Tensor x, int groups = 1);
// leaky(gamma (x - mean) / sqrt(var + eps) + beta); slope 1 is no activation. Once differentiable.
Tensor batch_norm(Tensor x, Tensor gamma, Tensor beta, const Moments&, double slope = 1, double eps = 1e-5);

// Losses, element by element unless said otherwise. Once differentiable.
Tensor abc(Tensor l);                        // -log(1 - exp(-l)), l held above kAbcFloor
Tensor bce_with_logits(Tensor x, Tensor t);  // no gradient to the target t
// x in as many equal parts of images as there are targets: sum over parts of mean (sigmoid(x) - target)^2 -> scalar
Tensor least_squares_with_logits(Tensor x, const std::vector<double>& targets);
// sum of weight * value, scalars -> scalar
struct WeightedTerm {
  Tensor value;
  double weight;
};
Tensor weighted_sum(const std::vector<WeightedTerm>& terms);

// Zeroes elements with probability p and scales the rest by 1 / (1 - p): a function of (seed, layer, *step).
Tensor dropout(Tensor x, double p, Counter step, std::uint64_t seed, std::uint32_t layer);

}  // namespace snag
