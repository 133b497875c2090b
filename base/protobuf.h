#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace snag {

// A message in the wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding), field by field.
// The numbers of fields come from the message's .proto file; each call appends, so a repeated field is several calls.
class Proto {
 public:
  Proto& integer(int field, std::int64_t);         // int32, int64, bool, enum
  Proto& real32(int field, float);                 // float
  Proto& real64(int field, double);                // double
  Proto& text(int field, std::string_view bytes);  // string, bytes
  Proto& message(int field, const Proto& m) { return text(field, m.wire_); }

  const std::string& wire() const { return wire_; }

 private:
  void varint(std::uint64_t);
  void key(int field, int type);
  std::string wire_;
};

}  // namespace snag
