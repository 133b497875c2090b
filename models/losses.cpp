#include "models/losses.h"

namespace snag {
namespace {

Tensor square(Tensor x) { return mul(x, x); }

}  // namespace

Tensor pixel_error(Tensor x, Tensor y, Distance d) {
  return d == Distance::l1 ? abs_diff(x, y) : square(add(x, affine(y, -1)));
}

Tensor reconstruction_loss(Tensor x, Tensor y, Distance d) { return mean(pixel_error(x, y, d)); }

Tensor patch_loss(Tensor x, Tensor y, const PatchOptions& patch) {
  return mean(top_mean(patch_mean(abs_diff(x, y), patch.size, patch.stride), patch.largest));
}

Tensor latent_loss(Tensor of_input, Tensor of_output) { return mean(abs_diff(of_input, of_output)); }

Tensor abc_loss(Tensor x, Tensor y, double scale) { return mean(abc(affine(image_mean(abs_diff(x, y)), 1 / scale))); }

Tensor adversarial_loss(Tensor p, double target) { return mean(square(affine(p, 1, -target))); }

Tensor discriminator_loss(Tensor of_real, Tensor of_output) {
  return add(adversarial_loss(of_real, 1), adversarial_loss(of_output, 0));
}

}  // namespace snag
