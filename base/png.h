#pragma once
#include <cstdint>
#include <span>
#include <string>

namespace snag {

// Writes an 8-bit PNG: pixels [height, width, channels], channels 1 (gray) or 3 (RGB), through write_file.
// Error of Exit::io when it cannot be written, or when the sizes do not agree.
void write_png(const std::string& path, int width, int height, std::span<const std::uint8_t> pixels, int channels);

}  // namespace snag
