// Tensor-core and asynchronous-copy instructions against plain loops. Nothing here is simt's own: built with nvcc, the
// same tests hold on a GPU.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "tests/simt/device_array.h"
#include "tests/simt/simt_kernels.h"

namespace snag {
namespace {

using Values = std::vector<float>;

Values integers(std::size_t size, int step) {  // small, so that every product and sum is exact
  Values x(size);
  for (std::size_t i = 0; i < size; ++i) x[i] = static_cast<float>(static_cast<int>(i) * step % 17 - 8);
  return x;
}

// d [16,8] + a [16,depth] * b [depth,8]
Values product(const Values& a, const Values& b, Values d, std::size_t depth) {
  for (std::size_t i = 0; i < 16; ++i)
    for (std::size_t j = 0; j < 8; ++j)
      for (std::size_t k = 0; k < depth; ++k) d[i * 8 + j] += a[i * depth + k] * b[k * 8 + j];
  return d;
}

TEST_CASE("mma_tf32 multiplies 16x8 by 8x8 and adds") {
  const Values a = integers(128, 5), b = integers(64, 7), d = integers(128, 3);
  const DeviceArray device_a(a), device_b(b), device_d(d);
  kernels::multiply_tf32(device_a.data(), device_b.data(), device_d.data(), nullptr);
  CHECK(device_d.host() == product(a, b, d, 8));
}

TEST_CASE("mma_bf16 multiplies 16x16 by 16x8 and adds, with fragments packed by hand or loaded by ldmatrix") {
  const Values a = integers(256, 5), b = integers(128, 7), d = integers(128, 3);
  for (const bool through_ldmatrix : {false, true}) {
    CAPTURE(through_ldmatrix);
    const DeviceArray device_a(a), device_b(b), device_d(d);
    kernels::multiply_bf16(device_a.data(), device_b.data(), device_d.data(), through_ldmatrix, nullptr);
    CHECK(device_d.host() == product(a, b, d, 16));
  }
}

// a [64,k], b [columns,k], d [64,columns]; multiply(a, b, d) leaves d + a b^T in d.
template <class F>
void check_warpgroup(std::size_t columns, std::size_t depth, const F& multiply) {
  CAPTURE(columns);
  const Values a = integers(64 * depth, 5), b = integers(columns * depth, 7), d = integers(64 * columns, 3);
  Values expected = d;
  for (std::size_t i = 0; i < 64; ++i)
    for (std::size_t j = 0; j < columns; ++j)
      for (std::size_t k = 0; k < depth; ++k) expected[i * columns + j] += a[i * depth + k] * b[j * depth + k];
  const DeviceArray device_a(a), device_b(b), device_d(d);
  multiply(device_a.data(), device_b.data(), device_d.data());
  CHECK(device_d.host() == expected);
}

TEST_CASE("a warpgroup multiplies 64x32 by the transpose of 128x32 or 64x32 and adds, in TF32") {
  for (const int columns : {64, 128})
    check_warpgroup(static_cast<std::size_t>(columns), 32, [&](const float* a, const float* b, float* d) {
      kernels::multiply_in_warpgroup(a, b, d, columns, nullptr);
    });
}

TEST_CASE("a warpgroup multiplies 64x64 by the transpose of 128x64 or 64x64 and adds, in BF16, lying either way") {
  for (const int columns : {64, 128})
    for (const bool across_a : {false, true})
      for (const bool across_b : {false, true}) {
        CAPTURE(across_a);
        CAPTURE(across_b);
        check_warpgroup(static_cast<std::size_t>(columns), 64, [&](const float* a, const float* b, float* d) {
          kernels::multiply_bf16_in_warpgroup(a, b, d, columns, across_a, across_b, nullptr);
        });
      }
}

TEST_CASE("ldmatrix gives each lane its two elements of each matrix") {
  std::vector<unsigned short> x(256);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<unsigned short>(0x4000 + i);
  const auto element = [&](unsigned matrix, unsigned row, unsigned column) -> unsigned {
    return x[matrix * 64 + row * 8 + column];
  };
  const DeviceArray device_x(x);
  const DeviceArray<unsigned> out(32 * 12);
  kernels::load_matrices(device_x.data(), out.data(), nullptr);
  const std::vector<unsigned> r = out.host();
  for (unsigned l = 0; l < 32; ++l) {
    CAPTURE(l);
    const unsigned g = l / 4, t = l % 4;
    for (unsigned m = 0; m < 4; ++m) {
      const unsigned plain = element(m, g, 2 * t) | element(m, g, 2 * t + 1) << 16;
      const unsigned trans = element(m, 2 * t, g) | element(m, 2 * t + 1, g) << 16;
      CHECK(r[12 * l + m] == plain);
      CHECK(r[12 * l + 4 + m] == trans);
      if (m >= 2) continue;
      CHECK(r[12 * l + 8 + m] == plain);
      CHECK(r[12 * l + 10 + m] == trans);
    }
  }
}

TEST_CASE("to_tf32 rounds ties away from zero, pack_bf16 to even") {
  const float infinity = std::numeric_limits<float>::infinity();
  struct Case {
    float x, tf32, bf16;
  };
  const std::vector<Case> cases = {
      {1.0f, 1.0f, 1.0f},
      {1 + 0x1p-11f, 1 + 0x1p-10f, 1.0f},
      {-1 - 0x1p-11f, -1 - 0x1p-10f, -1.0f},
      {1 + 0x1.8p-11f, 1 + 0x1p-10f, 1.0f},
      {1 + 0x1.8p-12f, 1.0f, 1.0f},
      {1 + 0x1p-8f, 1 + 0x1p-8f, 1.0f},
      {1 + 3 * 0x1p-8f, 1 + 3 * 0x1p-8f, 1 + 0x1p-6f},
      {1 + 0x1p-8f + 0x1p-20f, 1 + 0x1p-8f, 1 + 0x1p-7f},
      {infinity, infinity, infinity},
      {-infinity, -infinity, -infinity},
  };
  Values x;
  for (const Case& c : cases) x.push_back(c.x);
  x.push_back(std::nanf(""));
  const DeviceArray device_x(x);
  const DeviceArray<unsigned> tf32(x.size()), bf16_and_one(x.size());
  kernels::convert(device_x.data(), tf32.data(), bf16_and_one.data(), static_cast<int>(x.size()), nullptr);
  const std::vector<unsigned> t = tf32.host(), b = bf16_and_one.host();
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(cases[i].x);
    CHECK(std::bit_cast<float>(t[i] & 0xffffe000u) == cases[i].tf32);  // the other bits mean nothing
    CHECK(std::bit_cast<float>(b[i] << 16) == cases[i].bf16);
    CHECK(std::bit_cast<float>(b[i] & 0xffff0000u) == 1.0f);
  }
  CHECK(std::isnan(std::bit_cast<float>(t.back())));
  CHECK(std::isnan(std::bit_cast<float>(b.back() << 16)));
}

TEST_CASE("cp_async_16 copies where valid and writes zeros elsewhere, without reading") {
  const Values x = integers(4 * 20, 5);  // shorter than what 32 threads would copy
  const DeviceArray device_x(x);
  const DeviceArray<float> y(128);
  kernels::copy_16(device_x.data(), y.data(), 20, nullptr);
  Values expected = x;
  expected.resize(128, 0.0f);
  CHECK(y.host() == expected);
}

TEST_CASE("cp_async_wait<N> leaves at most N groups, the newest") {
  const Values x = {1, 2, 3};
  const DeviceArray device_x(x);
  const DeviceArray<float> y(9);
  kernels::copy_groups(device_x.data(), y.data(), nullptr);
  const Values seen = y.host();
  CHECK(seen[0] == 1);
  CHECK(seen[3] == 1);
  CHECK(seen[4] == 2);
  CHECK(Values(seen.begin() + 6, seen.end()) == x);
}

}  // namespace
}  // namespace snag
