#pragma once
#include <concepts>
#include <string>

namespace snag {

// The bytes of `value`, the lowest first, on any machine.
template <std::unsigned_integral Integer>
std::string little_endian(Integer value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) bytes += static_cast<char>(value >> 8 * i & 0xff);
  return bytes;
}

}  // namespace snag
