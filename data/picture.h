#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace snag {

// One image of any size, 8 bits a value.
struct Picture {
  int height = 0, width = 0, channels = 1;  // channels 1: gray, 3: red, green, blue
  std::vector<std::uint8_t> pixels;         // [height, width, channels]
};

// Reads a PNG or JPEG file, told by its first bytes and not by its name. Gray stays gray; a palette is colour. 16 bits
// a value become 8; what is transparent is laid on white; a PNG's gamma, where it says one, is converted to sRGB's; a
// JPEG is turned as its Exif orientation says. At most 16,384 pixels a side and 2^27 in all.
// Throws Exit::io for a file that cannot be opened or read; Exit::data, with the path, for what is no such image,
// truncated, corrupt, too large or a JPEG in CMYK.
Picture read_picture(const std::filesystem::path& path);

// Gray as (299 R + 587 G + 114 B) / 1000, rounded; colour from gray as three equal values. channels: 1 or 3.
Picture with_channels(Picture picture, int channels);

// Brought to size x size pixels, each axis on its own: where it shrinks, the mean of the area that a pixel covers;
// where it grows, bilinear between pixel centres, the edge clamped (as resize() of data/images.h). In integers, rounded
// half up, so equal on every machine. size: 1 .. 1024.
Picture resample(const Picture& picture, int size);

// Does the name end like a PNG's or JPEG's (.png .jpg .jpeg, in either case)?
bool names_picture(const std::filesystem::path& path);

}  // namespace snag
