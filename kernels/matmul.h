#pragma once
#include "kernels/view.h"

namespace snag {

// c[i,j] = sum over k of a(i,k) * b(k,j). Matrices are [rows n, columns c]; a transposed operand is read as b(j,k).
struct MatMul {
  View c;
  ConstView a, b;
  bool transpose_a, transpose_b;
  HD int size() const { return c.shape.size(); }
  HD int inner() const { return transpose_a ? a.shape.n : a.shape.c; }
  HD void operator()(int i) const {
    const int row = i / c.shape.c, column = i % c.shape.c;
    wide s = 0;
    for (int k = 0; k < inner(); ++k)
      s += wide(transpose_a ? a.data[k * a.shape.c + row] : a.data[row * a.shape.c + k]) *
           (transpose_b ? b.data[column * b.shape.c + k] : b.data[k * b.shape.c + column]);
    c.data[i] = static_cast<real>(s);
  }
};

}  // namespace snag
