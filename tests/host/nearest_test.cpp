#include "base/nearest.h"

#include <doctest/doctest.h>

#include <vector>

namespace snag {
namespace {

TEST_CASE("the nearest word is that of the fewest edits, and none where all are far") {
  const std::vector<std::string> words{"epochs", "batch_size", "seed", "skip"};
  CHECK(nearest("epoch", words) == "epochs");
  CHECK(nearest("batchsize", words) == "batch_size");
  CHECK(nearest("sede", words) == "seed");
  CHECK(nearest("temperature", words).empty());
  CHECK(suggestion("epoch", words) == "; did you mean epochs?");
  CHECK(suggestion("xyz", words).empty());
}

}  // namespace
}  // namespace snag
