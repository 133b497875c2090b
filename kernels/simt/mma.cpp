#include "kernels/simt/mma.h"

#include <bit>
#include <cmath>

namespace snag::simt {
namespace {

struct Fragments {  // of one lane
  unsigned a[4], b[2];
};

float tf32(unsigned bits) { return std::bit_cast<float>(bits & 0xffffe000u); }
float bf16(unsigned bits, unsigned half) { return std::bit_cast<float>(half ? bits & 0xffff0000u : bits << 16); }

unsigned nearest_bf16(float x) {
  const auto bits = std::bit_cast<unsigned>(x);
  if (std::isnan(x)) return 0x7fffu;
  return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}

// d += the lane's part of a * b, where element(lanes, row, k) reads a and so on.
template <unsigned kDepth, class A, class B>
void multiply(float (&d)[4], A a, B b) {
  const unsigned g = lane() / 4, t = lane() % 4;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned row = g + 8 * (i / 2), column = 2 * t + i % 2;
    for (unsigned k = 0; k < kDepth; ++k) d[i] += a(row, k) * b(k, column);
  }
}

const Fragments* meet(const unsigned (&a)[4], const unsigned (&b)[2], const Where& where) {
  return exchange_all(Fragments{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}}, Operation::mma, where);
}

}  // namespace

unsigned to_tf32(float x) {
  if (std::isnan(x)) return 0x7fffffffu;
  return (std::bit_cast<unsigned>(x) + 0x1000u) & 0xffffe000u;
}

unsigned pack_bf16(float lo, float hi) { return nearest_bf16(hi) << 16 | nearest_bf16(lo); }

void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], const Where& where) {
  const Fragments* f = meet(a, b, where);
  multiply<8>(
      d, [f](unsigned row, unsigned k) { return tf32(f[row % 8 * 4 + k % 4].a[row / 8 + k / 4 * 2]); },
      [f](unsigned k, unsigned column) { return tf32(f[column * 4 + k % 4].b[k / 4]); });
}

void mma_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], const Where& where) {
  const Fragments* f = meet(a, b, where);
  multiply<16>(
      d, [f](unsigned row, unsigned k) { return bf16(f[row % 8 * 4 + k % 8 / 2].a[row / 8 + k / 8 * 2], k % 2); },
      [f](unsigned k, unsigned column) { return bf16(f[column * 4 + k % 8 / 2].b[k / 8], k % 2); });
}

}  // namespace snag::simt
