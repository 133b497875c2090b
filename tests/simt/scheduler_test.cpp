// What Options promise, and what blocks and warps do together.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/simt/simt.h"
#include "tests/error_of.h"
#include "tests/simt/device_array.h"
#include "tests/simt/simt_kernels.h"

namespace snag {
namespace {

using Numbers = std::vector<int>;

struct With {  // options, for a scope
  simt::Options before = simt::options();
  ~With() { simt::options() = before; }
};

Numbers order_of(simt::Order order, int blocks, int threads, std::uint64_t seed = 1) {
  const With scope;
  simt::options().order = order;
  simt::options().seed = seed;
  const DeviceArray<int> recorded(Numbers(1 + 2 * static_cast<std::size_t>(blocks * threads)));
  kernels::record_order(recorded.data(), blocks, threads, nullptr);
  Numbers all = recorded.host();
  CHECK(all[0] == 2 * blocks * threads);
  all.erase(all.begin());
  return all;
}

// As a set, each half is one visit of each of the first `size` threads: nobody passes a barrier before all have come.
void check_halves(const Numbers& all, int size) {
  Numbers every(static_cast<std::size_t>(size));
  std::iota(every.begin(), every.end(), 0);
  const auto middle = all.begin() + size;
  CHECK(std::is_permutation(all.begin(), middle, every.begin()));
  CHECK(std::is_permutation(middle, all.end(), every.begin()));
}

TEST_CASE("threads and blocks run forward, in reverse, or at random, and in the same order again") {
  CHECK(order_of(simt::Order::forward, 2, 2) == Numbers{0, 1, 0, 1, 2, 3, 2, 3});
  CHECK(order_of(simt::Order::reverse, 2, 2) == Numbers{3, 2, 3, 2, 1, 0, 1, 0});
  const Numbers random = order_of(simt::Order::random, 1, 100);
  CHECK(random == order_of(simt::Order::random, 1, 100));
  CHECK(random != order_of(simt::Order::random, 1, 100, 2));
  CHECK(random != order_of(simt::Order::forward, 1, 100));
  check_halves(random, 100);
  CHECK(Numbers(random.begin(), random.begin() + 100) != Numbers(random.begin() + 100, random.end()));
}

TEST_CASE("shared memory holds the fill when a block begins, whatever the last block left") {
  const With scope;
  for (const unsigned char fill : {0xFF, 0x00}) {
    simt::options().fill = fill;
    const DeviceArray<unsigned> out(4);
    kernels::read_unwritten_shared(out.data(), nullptr);
    const unsigned word = fill * 0x01010101u;
    CHECK(out.host() == std::vector<unsigned>(4, word));
  }
}

TEST_CASE("a copy that was not waited for leaves the fill") {
  const DeviceArray<float> x(std::vector<float>{1, 2, 3}), y(9);
  kernels::copy_groups(x.data(), y.data(), nullptr);
  const std::vector<float> seen = y.host();
  for (const std::size_t late : {1, 2, 5}) CHECK(std::isnan(seen[late]));
}

TEST_CASE("indices of three dimensions enumerate the grid") {
  const DeviceArray<int> out(2 * 3 * 2 * 4 * 5 * 3);
  kernels::index_in_grid(out.data(), dim3(2, 3, 2), dim3(4, 5, 3), nullptr);
  Numbers expected(2 * 3 * 2 * 4 * 5 * 3);
  std::iota(expected.begin(), expected.end(), 0);
  CHECK(out.host() == expected);
}

TEST_CASE("barriers count votes") {
  for (const int voters : {0, 1, 63, 64}) {
    CAPTURE(voters);
    const DeviceArray<int> out(3 * 64);
    kernels::block_votes(out.data(), voters, nullptr);
    const Numbers seen = out.host();
    for (std::size_t t = 0; t < 64; ++t) {
      CHECK(seen[3 * t] == voters);
      CHECK(seen[3 * t + 1] == (voters == 64));
      CHECK(seen[3 * t + 2] == (voters > 0));
    }
  }
}

TEST_CASE("shuffles and votes of a warp") {
  const With scope;
  for (const auto order : {simt::Order::forward, simt::Order::reverse, simt::Order::random}) {
    simt::options().order = order;
    const DeviceArray<int> out(32 * 8);
    kernels::warp_operations(out.data(), nullptr);
    const Numbers seen = out.host();
    for (int t = 0; t < 32; ++t) {
      CAPTURE(t);
      const Numbers lane(seen.begin() + 8 * t, seen.begin() + 8 * t + 8);
      CHECK(lane == Numbers{5, t / 16 * 16 + 5, t < 3 ? t : t - 3, t > 28 ? t : t + 3, t ^ 6, t % 8 > 4 ? t : t + 3,
                            static_cast<int>(0xaaaaaaaau), 10});
    }
  }
}

TEST_CASE("launches that CUDA refuses are refused, with the line that launched") {
  struct Case {
    dim3 grid, block;
    std::size_t bytes;
    const char* name;
  };
  const Case cases[] = {
      {0, 32, 0, "cudaErrorInvalidConfiguration"},
      {1, 0, 0, "cudaErrorInvalidConfiguration"},
      {1, 1025, 0, "cudaErrorInvalidConfiguration"},
      {1, dim3(1, 1, 65), 0, "cudaErrorInvalidConfiguration"},
      {dim3(1, 65536), 32, 0, "cudaErrorInvalidConfiguration"},
      {1, 32, 227 * 1024 + 1, "cudaErrorInvalidValue"},
  };
  for (const Case& c : cases) {
    const Error error = error_of([&] { kernels::nothing(c.grid, c.block, c.bytes, nullptr); });
    check_error(error, Exit::device, {c.name, "simt_kernels.cu:"});
  }
  cudaGetLastError();
  kernels::nothing(1, 1024, 227 * 1024, nullptr);  // more than 48 KB is allowed by launch itself
  CHECK(cudaGetLastError() == cudaSuccess);
}

TEST_CASE("after a finding, calls that wait fail with its text until it is taken") {
  kernels::divergent_barrier(nullptr);
  check_error(error_of([] { check(cudaDeviceSynchronize()); }), Exit::device,
              {"cudaErrorLaunchFailure", "divergent barrier", "54 thread(s) left", "simt_kernels.cu:"});
  CHECK(simt::take_findings().size() == 1);
  cudaGetLastError();
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}

}  // namespace
}  // namespace snag
