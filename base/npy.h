#pragma once
#include <span>
#include <string>
#include <vector>

namespace snag {

// Writes float32 values in NumPy's format .npy 1.0 (https://numpy.org/doc/stable/reference/generated/numpy.lib.format),
// row-major, through write_file. Error of Exit::io when it cannot be written, or when the extents' product is not the
// number of values.
void write_npy(const std::string& path, const std::vector<std::int64_t>& extents, std::span<const float> values);

}  // namespace snag
