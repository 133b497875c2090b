#include "models/losses.h"

namespace snag {
namespace {

Tensor square(Tensor x) { return mul(x, x); }

}  // namespace

// The differences are those of y, which alone gets a gradient in training: that of the second operand costs a pass
// more.
Tensor pixel_error(Tensor x, Tensor y, Distance d) {
  return d == Distance::l1 ? abs_diff(y, x) : square(add(y, affine(x, -1)));
}

Tensor patch_loss(Tensor error, const PatchOptions& patch) {
  return mean(top_mean(patch_mean(error, patch.size, patch.stride), patch.largest));
}

Tensor latent_loss(Tensor of_input, Tensor of_output) { return mean(abs_diff(of_output, of_input)); }

Tensor abc_loss(Tensor image_error, double scale) {
  return mean(abc(scale == 1 ? image_error : affine(image_error, 1 / scale)));
}

Tensor adversarial_loss(Tensor logits, double target) { return least_squares_with_logits(logits, {target}); }

Tensor discriminator_loss(Tensor logits) { return least_squares_with_logits(logits, {1, 0}); }

}  // namespace snag
