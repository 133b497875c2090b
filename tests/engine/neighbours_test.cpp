#include "models/neighbours.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "engine/tape.h"
#include "tests/error_of.h"
#include "tests/oracle.h"

namespace snag {
namespace {

std::vector<real> reals(const Array& a) { return {a.data.begin(), a.data.end()}; }

TEST_CASE("the distance to the nearest known latents is scikit-learn's, and that of a checkpoint the same") {
  const std::vector<Record> records = ask_oracle("neighbours.py");
  REQUIRE(records.size() == 3);
  for (const TestBackend& device : test_backends())
    for (const Record& r : records) {
      CAPTURE(device.name);
      CAPTURE(r.name);
      const Array &known = r.in[0], &other = r.in[1];
      const int images = known.dims[0], values = known.dims[1], count = static_cast<int>(r.number("count", 0));
      const std::unique_ptr<Backend> backend = device.make();
      Tape tape(*backend);
      Neighbours neighbours(tape, images, values, count);
      neighbours.remember(reals(known));
      const Tensor latent = put(tape, {other.dims[0], values / 4, 2, 2}, other.data);
      const Numbers distance = get(neighbours.distance(latent));
      REQUIRE(distance.size() == r.out[0].data.size());
      for (std::size_t i = 0; i < distance.size(); ++i)
        CHECK(distance[i] == doctest::Approx(r.out[0].data[i]).epsilon(2e-5).scale(10));

      Checkpoint saved;
      neighbours.save(saved);
      CHECK(get(Neighbours(tape, saved, values, count).distance(latent)) == distance);
    }
}

TEST_CASE("neighbours that there are not are refused") {
  const std::unique_ptr<Backend> backend = make_cpu_backend({.threads = 1, .arena_bytes = std::size_t{1} << 24});
  Tape tape(*backend);
  CHECK(error_of([&] { Neighbours(tape, 4, 8, 5); }).code() == Exit::usage);
  Neighbours four(tape, 4, 8, 2);
  four.remember(std::vector<real>(32, 1));
  Checkpoint saved;
  four.save(saved);
  CHECK(error_of([&] { Neighbours(tape, saved, 8, 5); }).code() == Exit::checkpoint);
  CHECK(error_of([&] { Neighbours(tape, saved, 9, 2); }).code() == Exit::checkpoint);
  CHECK(error_of([&] { Neighbours(tape, Checkpoint{}, 8, 2); }).code() == Exit::checkpoint);
}

}  // namespace
}  // namespace snag
