#pragma once

// What a program needs to use a trained detector: a finished run opened to score images, and images. For what lies
// under it include engine/layers.h (networks), engine/ops.h (differentiable operations), kernels/backend.h (devices).

#include "base/error.h"
#include "data/images.h"
#include "data/picture.h"
#include "models/detector.h"
