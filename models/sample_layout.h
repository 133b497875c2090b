#pragma once

namespace snag::sample_layout {

// Where write_samples puts its tiles, and where the report cuts them out. Pixels.
inline constexpr int kTile = 64, kGap = 4, kLabel = 150, kTop = 24, kSplit = 16;

// The left edge of column i when the first `normal` columns are normal images, the top edge of row 0 (input),
// 1 (reconstruction) or 2 (error).
constexpr int left(int i, int normal) { return kLabel + i * (kTile + kGap) + (i >= normal ? kSplit : 0); }
constexpr int top(int row) { return kTop + row * (kTile + kGap); }

constexpr int width(int columns, int normal) { return left(columns, normal) + kGap; }
constexpr int height() { return top(3) + kGap; }

}  // namespace snag::sample_layout
