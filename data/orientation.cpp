#include "data/orientation.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace snag {
namespace {

using Bytes = std::span<const unsigned char>;

Bytes from(Bytes bytes, std::size_t begin) { return bytes.subspan(std::min(begin, bytes.size())); }

bool starts(Bytes bytes, std::string_view with) {
  return bytes.size() >= with.size() &&
         std::equal(with.begin(), with.end(), bytes.begin(),
                    [](char a, unsigned char b) { return static_cast<unsigned char>(a) == b; });
}

// The first `count` bytes as a number, of which those beyond the end are 0.
std::size_t number(Bytes bytes, std::size_t count, bool big_endian) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = big_endian ? i : count - 1 - i;
    value = value << 8 | (at < bytes.size() ? bytes[at] : 0U);
  }
  return value;
}

// A TIFF file: its byte order, 42, where its first directory begins; of this the number of entries of twelve bytes:
// tag, type, count, value.
int orientation_of_tiff(Bytes tiff) {
  constexpr std::size_t kOrientation = 0x0112, kShort = 3, kEntry = 12;
  const bool big_endian = starts(tiff, {"MM\0*", 4});
  if (!big_endian && !starts(tiff, {"II*\0", 4})) return 1;
  const Bytes directory = from(tiff, number(from(tiff, 4), 4, big_endian));
  const std::size_t entries = std::min(number(directory, 2, big_endian), directory.size() / kEntry);
  for (std::size_t i = 0; i < entries; ++i) {
    const Bytes entry = from(directory, 2 + kEntry * i);
    if (number(entry, 2, big_endian) != kOrientation || number(from(entry, 2), 2, big_endian) != kShort) continue;
    const std::size_t value = number(from(entry, 8), 2, big_endian);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace

// Segments, each with its kind and length, before the one where the picture's data begin.
int orientation_of(Bytes jpeg) {
  constexpr unsigned char kMarker = 0xff, kExif = 0xe1, kScan = 0xda;
  constexpr std::string_view exif{"Exif\0\0", 6};
  Bytes rest = from(jpeg, 2);
  while (rest.size() >= 4 && rest[0] == kMarker && rest[1] != kScan) {
    const std::size_t length = number(from(rest, 2), 2, true);  // without the marker
    const Bytes segment = from(rest.first(std::min(rest.size(), 2 + length)), 4);
    if (rest[1] == kExif && starts(segment, exif)) return orientation_of_tiff(from(segment, exif.size()));
    rest = from(rest, 2 + length);
  }
  return 1;
}

}  // namespace snag
