#include "kernels/simt/mma.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace snag::simt {
namespace {

struct Fragments {  // of one lane
  float d[4];
  unsigned a[4], b[2];
};

float tf32(unsigned bits) { return std::bit_cast<float>(bits & 0xffffe000u); }
float bf16(unsigned bits, unsigned half) { return std::bit_cast<float>(half ? bits & 0xffff0000u : bits << 16); }

unsigned nearest_bf16(float x) {
  const auto bits = std::bit_cast<unsigned>(x);
  if (std::isnan(x)) return 0x7fffu;
  return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}

// d += a * b of the whole warp. The functions say where an element is: a(lanes, row, k), b(lanes, k, column).
template <unsigned kDepth, class A, class B>
void multiply(Fragments* lanes, A element_a, B element_b) {
  float a[16][kDepth], b[kDepth][8], d[16][8];
  for (unsigned row = 0; row < 16; ++row)
    for (unsigned k = 0; k < kDepth; ++k) a[row][k] = element_a(lanes, row, k);
  for (unsigned k = 0; k < kDepth; ++k)
    for (unsigned column = 0; column < 8; ++column) b[k][column] = element_b(lanes, k, column);
  const auto element_d = [&](unsigned l, unsigned i) -> float& { return d[l / 4 + 8 * (i / 2)][2 * (l % 4) + i % 2]; };
  for (unsigned l = 0; l < 32; ++l)
    for (unsigned i = 0; i < 4; ++i) element_d(l, i) = lanes[l].d[i];
  for (unsigned row = 0; row < 16; ++row)
    for (unsigned k = 0; k < kDepth; ++k)
      for (unsigned column = 0; column < 8; ++column) d[row][column] += a[row][k] * b[k][column];
  for (unsigned l = 0; l < 32; ++l)
    for (unsigned i = 0; i < 4; ++i) lanes[l].d[i] = element_d(l, i);
}

void multiply_tf32(void* lanes) {
  multiply<8>(
      static_cast<Fragments*>(lanes),
      [](const Fragments* f, unsigned row, unsigned k) { return tf32(f[row % 8 * 4 + k % 4].a[row / 8 + k / 4 * 2]); },
      [](const Fragments* f, unsigned k, unsigned column) { return tf32(f[column * 4 + k % 4].b[k / 4]); });
}

void multiply_bf16(void* lanes) {
  multiply<16>(
      static_cast<Fragments*>(lanes),
      [](const Fragments* f, unsigned row, unsigned k) {
        return bf16(f[row % 8 * 4 + k % 8 / 2].a[row / 8 + k / 8 * 2], k % 2);
      },
      [](const Fragments* f, unsigned k, unsigned column) { return bf16(f[column * 4 + k % 8 / 2].b[k / 8], k % 2); });
}

void multiply_in_warp(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], Combine multiply,
                      Operation operation, const Where& where) {
  const Fragments mine{{d[0], d[1], d[2], d[3]}, {a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
  const Fragments* lanes = exchange_all(mine, operation, where, multiply);
  std::copy_n(lanes[lane()].d, 4, d);
}

}  // namespace

unsigned to_tf32(float x) {
  if (std::isnan(x)) return 0x7fffffffu;
  return (std::bit_cast<unsigned>(x) + 0x1000u) & 0xffffe000u;
}

unsigned pack_bf16(float lo, float hi) { return nearest_bf16(hi) << 16 | nearest_bf16(lo); }

void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], const Where& where) {
  multiply_in_warp(d, a, b, multiply_tf32, Operation::mma_tf32, where);
}

void mma_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], const Where& where) {
  multiply_in_warp(d, a, b, multiply_bf16, Operation::mma_bf16, where);
}

}  // namespace snag::simt
