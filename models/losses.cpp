#include "models/losses.h"

namespace snag {
namespace {

Tensor square(Tensor x) { return mul(x, x); }

}  // namespace

Tensor pixel_error(Tensor x, Tensor y, Distance d) {
  return d == Distance::l1 ? abs_diff(x, y) : square(add(x, affine(y, -1)));
}

Tensor patch_loss(Tensor error, const PatchOptions& patch) {
  return mean(top_mean(patch_mean(error, patch.size, patch.stride), patch.largest));
}

Tensor latent_loss(Tensor of_input, Tensor of_output) { return mean(abs_diff(of_input, of_output)); }

Tensor abc_loss(Tensor image_error, double scale) {
  return mean(abc(scale == 1 ? image_error : affine(image_error, 1 / scale)));
}

Tensor adversarial_loss(Tensor p, double target) { return least_squares(p, {target}); }

Tensor discriminator_loss(Tensor p) { return least_squares(p, {1, 0}); }

}  // namespace snag
