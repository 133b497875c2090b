#pragma once

namespace snag {

// The side of images that the networks of the papers are built for. Each doubling of it, up to 128, adds a level.
constexpr int kSide = 32;
constexpr int kPixels = kSide * kSide;

// Doublings from kSide to `side`.
constexpr int extra_levels(int side) { return side <= kSide ? 0 : 1 + extra_levels(side / 2); }

}  // namespace snag
