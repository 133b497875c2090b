#include "base/protobuf.h"

#include <doctest/doctest.h>

#include "base/event_file.h"
#include "tests/temp_folder.h"

namespace snag {
namespace {

using namespace std::string_literals;

// The examples of https://protobuf.dev/programming-guides/encoding.
TEST_CASE("a protocol buffer has the bytes of the format's own examples") {
  const Proto test1 = Proto().integer(1, 150);
  CHECK(test1.wire() == "\x08\x96\x01");
  CHECK(Proto().text(2, "testing").wire() == "\x12\x07testing");
  CHECK(Proto().message(3, test1).wire() == "\x1a\x03\x08\x96\x01");
  CHECK(Proto().integer(1, -2).wire() == "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}

TEST_CASE("numbers of fixed width are little-endian") {
  CHECK(Proto().real32(1, 1.f).wire() == "\x0d\0\0\x80\x3f"s);
  CHECK(Proto().real64(2, -2.).wire() == "\x11\0\0\0\0\0\0\0\xc0"s);
}

TEST_CASE("an event file that goes on keeps what it had, and one begun anew does not") {
  const TempFolder folder;
  const std::string path = folder / "events.out.tfevents";
  EventFile first(path, 0);
  first.scalar("loss", 1, 0.5);
  const std::int64_t kept = first.size();
  const std::string before = read_file(path);
  first.scalar("loss", 2, 0.25);
  EventFile second(path, kept);
  CHECK(read_file(path) == before);
  CHECK(EventFile(path, 0).size() < kept);
}

}  // namespace
}  // namespace snag
