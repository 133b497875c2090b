#pragma once
#include <span>

namespace snag {

// How a JPEG's first row and column are to be seen, as its Exif data say (Exif 2.3, tag 0x0112): 1 as top and left, 2
// as top and right, 3 bottom and right, 4 bottom and left, 5 left and top, 6 right and top, 7 right and bottom, 8 left
// and bottom. 1 where they say nothing or nonsense.
int orientation_of(std::span<const unsigned char> jpeg);

}  // namespace snag
