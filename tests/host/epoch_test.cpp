#include "models/epoch.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "tests/error_of.h"

namespace snag {
namespace {

std::map<int, int> times_shown(const Epochs& epochs, int first, int last) {
  std::map<int, int> times;
  for (int e = first; e < last; ++e)
    for (const int image : epochs.order(e)) ++times[image];
  return times;
}

TEST_CASE("an epoch is one pass over the normal images") {
  CHECK(Epochs(8, 20, 6, 1).steps() == 3);
  CHECK(Epochs(20, 8, 6, 1).steps() == 7);
  CHECK(Epochs(6000, 6003, 64, 1).steps() == 188);
  CHECK(Epochs(20, 8, 1, 1).steps() == 40);  // the kinds take turns
  CHECK(Epochs(20, 0, 6, 1).steps() == 4);   // normal images alone
}

TEST_CASE("each kind is shown evenly over the epochs") {
  for (const int batch : {1, 2, 6}) {
    const Epochs epochs(8, 20, batch, 3);
    const std::map<int, int> times = times_shown(epochs, 0, 12);
    for (const auto& [from, to] : {std::pair{0, 8}, std::pair{8, 28}}) {
      int least = 1 << 30, most = 0;
      for (int i = from; i < to; ++i) {
        const int t = times.contains(i) ? times.at(i) : 0;
        least = std::min(least, t), most = std::max(most, t);
      }
      CHECK(least >= (from == 0 ? 12 : 4));  // a normal image once an epoch
      CHECK(most - least <= 1);
    }
    CHECK(times.size() == 28);
  }
}

TEST_CASE("a step's normal images come first; at batch size 1 the kinds take turns") {
  const Epochs epochs(8, 20, 6, 3);
  const std::vector<std::int32_t> order = epochs.order(2);
  REQUIRE(order.size() == 18);
  for (std::size_t i = 0; i < order.size(); ++i) CHECK((order[i] < 8) == (i % 6 < 3));
  const std::vector<std::int32_t> turns = Epochs(8, 20, 1, 3).order(0);
  for (std::size_t i = 0; i < turns.size(); ++i) CHECK((turns[i] < 8) == (i % 2 == 0));
}

TEST_CASE("epochs differ, seeds differ, the same seed and epoch agree") {
  const Epochs a(50, 50, 10, 1), b(50, 50, 10, 2);
  CHECK(a.order(3) == Epochs(50, 50, 10, 1).order(3));
  CHECK(a.order(0) != a.order(1));
  CHECK(a.order(0) != b.order(0));
}

TEST_CASE("a step that takes more of a kind than there are is refused") {
  check_error(error_of([] { Epochs(2, 20, 6, 1); }), Exit::usage, {"--batch-size 6", "2 and 20", "smaller batch"});
  check_error(error_of([] { Epochs(20, 2, 6, 1); }), Exit::usage, {"--batch-size 6", "20 and 2"});
  check_error(error_of([] { Epochs(2, 0, 6, 1); }), Exit::usage, {"--batch-size 6", "6 normal"});
}

}  // namespace
}  // namespace snag
