#pragma once

// All that a program needs to train nothing and detect everything: a finished run opened to score images. For what lies
// under it include engine/layers.h (networks), engine/ops.h (differentiable operations), kernels/backend.h (devices).

#include "base/error.h"
#include "data/idx.h"
#include "data/images.h"
#include "models/detector.h"
