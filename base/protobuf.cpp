#include "base/protobuf.h"

#include <bit>

#include "base/little_endian.h"

namespace snag {
namespace {

enum WireType { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

}  // namespace

void Proto::varint(std::uint64_t v) {
  for (; v >= 0x80; v >>= 7) wire_ += static_cast<char>(v | 0x80);
  wire_ += static_cast<char>(v);
}

void Proto::key(int field, int type) { varint(static_cast<std::uint64_t>(field) << 3 | static_cast<unsigned>(type)); }

Proto& Proto::integer(int field, std::int64_t v) {
  key(field, kVarint);
  varint(static_cast<std::uint64_t>(v));
  return *this;
}

Proto& Proto::real32(int field, float v) {
  key(field, kFixed32);
  wire_ += little_endian(std::bit_cast<std::uint32_t>(v));
  return *this;
}

Proto& Proto::real64(int field, double v) {
  key(field, kFixed64);
  wire_ += little_endian(std::bit_cast<std::uint64_t>(v));
  return *this;
}

Proto& Proto::text(int field, std::string_view bytes) {
  key(field, kLength);
  varint(bytes.size());
  wire_ += bytes;
  return *this;
}

}  // namespace snag
