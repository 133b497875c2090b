#pragma once
#include <span>

#include "base/canvas.h"

namespace snag {

// One image with what a detector makes of it, side by side: the image as the detector sees it, its reconstruction, and
// the image under its error, in the colours of base/canvas.h: nothing where they agree, light yellow where they differ
// by half the range from black to white, or more.
// image [size, size, channels], reconstruction alike in about [-1, 1], error [size, size] (models/judge.h). A pixel
// becomes a square, so that the panels are about 256 pixels wide.
Canvas heat_map(std::span<const std::uint8_t> image, std::span<const float> reconstruction,
                std::span<const float> error, int size, int channels);

}  // namespace snag
