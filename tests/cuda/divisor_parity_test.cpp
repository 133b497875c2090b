#include <doctest/doctest.h>

#include <climits>
#include <random>
#include <vector>

#include "kernels/cuda/divisor.cuh"

namespace snag {
namespace {

TEST_CASE("a division by multiplication equals the machine's") {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> any(1, INT_MAX);
  std::vector<int> divisors{1, 2, 3, 5, 7, 9, 64, 641, 65535, 65536, 65537, INT_MAX / 2, INT_MAX - 1, INT_MAX};
  for (int i = 0; i < 200; ++i) divisors.push_back(any(random) >> i % 31 | 1);
  for (const int d : divisors) {
    CAPTURE(d);
    const Divisor by(d);
    std::vector<int> dividends{0, 1, d - 1, d, INT_MAX - 1, INT_MAX, INT_MAX / d * d, INT_MAX / d * d - 1};
    for (int i = 0; i < 100; ++i) dividends.push_back(any(random) >> i % 31);
    for (const int n : dividends) CHECK(by.divide(n) == n / d);
  }
}

TEST_CASE("a raster finds image, row and column") {
  for (const int rows : {1, 3, 8})
    for (const int columns : {1, 5, 16}) {
      const Raster raster(rows, columns);
      for (int i = 0; i < 4 * rows * columns; ++i) {
        const Raster::At at = raster.at(i);
        CHECK((at.n * rows + at.y) * columns + at.x == i);
        CHECK((at.y < rows && at.x < columns));
      }
    }
}

}  // namespace
}  // namespace snag
