#pragma once

namespace snag {

// The side of the images that every network here is built for; data is resized to it.
constexpr int kSide = 32;
constexpr int kPixels = kSide * kSide;

}  // namespace snag
