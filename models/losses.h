#pragma once
#include "engine/ops.h"

namespace snag {

// The losses of Kim et al. 2020, section 3, on images in [-1, 1]. x [N,1,H,W] is the input, y = G(x), `error` |x - y|
// pixel by pixel; a loss is a scalar. The reconstruction loss is the mean of the error.

enum class Distance { l1, l2 };  // per-pixel |x - y| or (x - y)^2

struct PatchOptions {
  int size = 16, stride = 8, largest = 3;
};

Tensor pixel_error(Tensor x, Tensor y, Distance);
// mean over images of the mean of the `largest` patch means of the error
Tensor patch_loss(Tensor error, const PatchOptions& = {});
// mean |E(x) - E(y)|
Tensor latent_loss(Tensor of_input, Tensor of_output);
// mean over images of -log(1 - exp(-L / scale)), L [N,1,1,1] = the image's mean error
Tensor abc_loss(Tensor image_error, double scale = 1);
// Least squares (Mao et al. 2017): mean (D - target)^2 over images and map, D the probability of which D gives the
// logit
Tensor adversarial_loss(Tensor logits, double target);
// mean (D(x) - 1)^2 + mean D(y)^2, of D's map of as many x, then y
Tensor discriminator_loss(Tensor logits);

}  // namespace snag
