#pragma once
#include "kernels/view.h"

namespace snag {

// Copies that move elements; each is the adjoint of another. The first ones say where element i of y comes from, null
// being 0, and whether elements i .. i + 3 are neighbours there, too, where i is a multiple of four.

// y[n, :] = a[n, :] then b[n, :], along channels
struct ConcatChannels {
  View y;
  ConstView a, b;
  HD int size() const { return y.shape.size(); }
  HD bool moves_fours() const { return (a.shape.c | b.shape.c) % 4 == 0; }
  HD const real* source(int i) const {
    const int pixel = i / y.shape.c, c = i % y.shape.c, split = a.shape.c;
    return c < split ? a.data + pixel * split + c : b.data + pixel * b.shape.c + c - split;
  }
  HD void operator()(int i) const { y.data[i] = *source(i); }
};

// y[n,c,h,w] = x[n, begin + c, h, w]
struct SliceChannels {
  View y;
  ConstView x;
  int begin;
  HD int size() const { return y.shape.size(); }
  HD bool moves_fours() const { return (y.shape.c | x.shape.c | begin) % 4 == 0; }
  HD const real* source(int i) const { return x.data + i / y.shape.c * x.shape.c + begin + i % y.shape.c; }
  HD void operator()(int i) const { y.data[i] = *source(i); }
};

// y[n, begin + c, h, w] = x[n,c,h,w]; the other channels are 0
struct PadChannels {
  View y;
  ConstView x;
  int begin;
  HD int size() const { return y.shape.size(); }
  HD bool moves_fours() const { return (y.shape.c | x.shape.c | begin) % 4 == 0; }
  HD const real* source(int i) const {
    const int c = i % y.shape.c - begin;
    return c >= 0 && c < x.shape.c ? x.data + i / y.shape.c * x.shape.c + c : nullptr;
  }
  HD void operator()(int i) const {
    const real* from = source(i);
    y.data[i] = from ? *from : real(0);
  }
};

// Tensors wherever they lie, and the elements begin .. end of another that each has.
struct Addends {
  static constexpr int capacity = 8;
  const real* x[capacity] = {};
  int begin[capacity] = {}, end[capacity] = {};
  int count = 0;
};

// y[i] = the sum of the addends that have element i, in their order. The adjoint of taking parts of y.
struct AddAll {
  View y;
  Addends addends;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const {
    real x[Addends::capacity];  // first all reads, then the sum: they wait for memory together
    for (int k = 0; k < Addends::capacity; ++k) {
      const bool has = i >= addends.begin[k] && i < addends.end[k];
      x[k] = has ? addends.x[k][i - addends.begin[k]] : real(0);
    }
    real sum = 0;
    for (int k = 0; k < Addends::capacity; ++k) sum += x[k];
    y.data[i] = sum;
  }
};

// y = a's images, then b's
struct ConcatImages {
  View y;
  ConstView a, b;
  HD int size() const { return y.shape.size(); }
  HD bool moves_fours() const { return a.shape.size() % 4 == 0; }
  HD const real* source(int i) const {
    const int j = i - a.shape.size();
    return j < 0 ? a.data + i : b.data + j;
  }
  HD void operator()(int i) const { y.data[i] = *source(i); }
};

// y = x, square maps, turned by `turns` quarters: one quarter moves x[h, w] to y[side - 1 - w, h]
struct QuarterTurn {
  View y;
  ConstView x;
  int turns;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const {
    const Index at = index(y.shape, i);
    int h = at.h, w = at.w;
    for (int k = 0; k < turns; ++k) {
      const int t = h;
      h = w;
      w = y.shape.h - 1 - t;
    }
    y.data[i] = x(at.n, at.c, h, w);
  }
};

}  // namespace snag
