#pragma once
#include <span>

#include "base/canvas.h"
#include "data/images.h"

namespace snag {

// The part of reconstructions [n, h, w, channels] that is image i's; empty where there are none.
std::span<const float> of_image(std::span<const float> reconstruction, const Images&, int i);

// Draws image i at (x, y) as a tile of sample_layout's size; below it, where there is one, its reconstruction ([h, w,
// channels] in about [-1, 1]) and the error as heat, 2 the hottest.
void draw_tiles(Canvas&, int x, int y, const Images&, int i, std::span<const float> reconstruction);

}  // namespace snag
