#include "kernels/matmul.h"

#include "kernels/cpu/cpu.h"

namespace snag {
namespace {

constexpr Conv kPointwise{.kernel = 1, .stride = 1, .pad = 0};

// A matrix [rows, columns] as `rows` images of one pixel, or as the weights of a pointwise convolution.
ConstView transposed(Scratch& scratch, ConstView m) {
  real* t = scratch.take<real>(static_cast<std::size_t>(m.shape.size()));
  for (int i = 0; i < m.shape.n; ++i)
    for (int j = 0; j < m.shape.c; ++j)
      t[static_cast<std::ptrdiff_t>(j) * m.shape.n + i] = m.data[static_cast<std::ptrdiff_t>(i) * m.shape.c + j];
  return {t, Shape{.n = m.shape.c, .c = m.shape.n}};
}

}  // namespace

// On single pixels the three maps of the trilinear form are a b^T, a b and a^T b.
void launch(Cpu& cpu, const MatMul& k) {
  if (k.transpose_a && k.transpose_b) {
    Scratch scratch(cpu.memory);
    return launch(cpu, ConvDown{k.c, transposed(scratch, k.a), k.b, kPointwise});
  }
  if (k.transpose_a) return launch(cpu, ConvWeight{k.c, k.b, k.a, kPointwise});
  if (k.transpose_b) return launch(cpu, ConvDown{k.c, k.a, k.b, kPointwise});
  launch(cpu, ConvUp{k.c, k.a, k.b, kPointwise});
}

}  // namespace snag
