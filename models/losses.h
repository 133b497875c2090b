#pragma once
#include "engine/ops.h"

namespace snag {

// The losses of Kim et al. 2020, section 3, on images in [-1, 1]. x [N,1,H,W] is the input, y = G(x); all -> scalar.

enum class Distance { l1, l2 };  // per-pixel |x - y| or (x - y)^2

struct PatchOptions {
  int size = 16, stride = 8, largest = 3;
};

// Per-pixel error, and the mean over images of the mean error of an image.
Tensor pixel_error(Tensor x, Tensor y, Distance);
Tensor reconstruction_loss(Tensor x, Tensor y, Distance = Distance::l1);
// mean over images of the mean of the `largest` patch-mean L1 errors
Tensor patch_loss(Tensor x, Tensor y, const PatchOptions& = {});
// mean |E(x) - E(y)|
Tensor latent_loss(Tensor of_input, Tensor of_output);
// mean over images of -log(1 - exp(-L / scale)), L = the image's mean L1 error
Tensor abc_loss(Tensor x, Tensor y, double scale = 1);
// Least squares (Mao et al. 2017): mean (p - target)^2 over images and map
Tensor adversarial_loss(Tensor p, double target);
// mean (D(x) - 1)^2 + mean D(y)^2
Tensor discriminator_loss(Tensor of_real, Tensor of_output);

}  // namespace snag
