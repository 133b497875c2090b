#include "models/references.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/host/data_files.h"
#include "tests/small_training.h"

namespace snag {
namespace {

// Components found from few images (a matrix of images with images) and from many copies of the same ones (a matrix of
// pixels with pixels) are the same, so the scores are.
TEST_CASE("pca is the same whichever way it is computed") {
  constexpr int kImages = 12, kSideHere = 6;
  const auto backend = make_cpu_backend({.threads = 1, .arena_bytes = std::size_t{1} << 28});
  const Images few{kImages, kSideHere, kSideHere, data_test::random_bytes(kImages * kSideHere * kSideHere, 5)};
  Images many = few;
  for (int copy = 1; copy < 5; ++copy) many.pixels.insert(many.pixels.end(), few.pixels.begin(), few.pixels.end());
  many.count = 5 * kImages;
  const Images probes{7, kSideHere, kSideHere, data_test::random_bytes(7 * kSideHere * kSideHere, 9)};
  for (const int components : {1, 4, 10}) {
    const auto a = Pca(*backend, {few, kImages}, components).score(probes);
    const auto b = Pca(*backend, {many, many.count}, components).score(probes);
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-4));
  }
  // All components of the images that it knows leave nothing of them.
  for (const float score : Pca(*backend, {few, kImages}, 30).score(few)) CHECK(score < 2e-3f);
  const Images flat{3, 4, 4, std::vector<std::uint8_t>(48, 9)};
  data_test::check_error([&] { Pca(*backend, {flat, 3}, 2); }, Exit::data, "nothing to learn");
}

}  // namespace
}  // namespace snag
