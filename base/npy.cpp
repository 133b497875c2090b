#include "base/npy.h"

#include <bit>
#include <cstdint>

#include "base/error.h"
#include "base/file.h"
#include "base/little_endian.h"

namespace snag {

void write_npy(const std::string& path, const std::vector<std::int64_t>& extents, std::span<const float> values) {
  std::int64_t product = 1;
  std::string shape;
  for (const std::int64_t e : extents) {
    product *= e;
    shape += std::to_string(e) + ", ";
  }
  if (product != static_cast<std::int64_t>(values.size()))
    throw Error(Exit::io, path + ": cannot make an array of shape (" + shape + ") from " +
                              std::to_string(values.size()) + " values; give as many as its extents' product");
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }";
  constexpr std::size_t kAlign = 64, kBefore = 10;  // magic, version and length
  header.append(kAlign - 1 - (kBefore + header.size()) % kAlign, ' ');
  header += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += std::string{1, 0} + little_endian(static_cast<std::uint16_t>(header.size())) + header;
  bytes.reserve(bytes.size() + 4 * values.size());
  for (const float v : values) bytes += little_endian(std::bit_cast<std::uint32_t>(v));
  write_file(path, bytes);
}

}  // namespace snag
