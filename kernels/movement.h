#pragma once
#include "kernels/view.h"

namespace snag {

// Copies that move elements; each is the adjoint of another.

// y[n, :] = a[n, :] then b[n, :], along channels
struct ConcatChannels {
  View y;
  ConstView a, b;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const {
    const int pixel = i / y.shape.c, c = i % y.shape.c, split = a.shape.c;
    y.data[i] = c < split ? a.data[pixel * split + c] : b.data[pixel * b.shape.c + c - split];
  }
};

// y[n,c,h,w] = x[n, begin + c, h, w]
struct SliceChannels {
  View y;
  ConstView x;
  int begin;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const { y.data[i] = x.data[i / y.shape.c * x.shape.c + begin + i % y.shape.c]; }
};

// y[n, begin + c, h, w] = x[n,c,h,w]; the other channels are 0
struct PadChannels {
  View y;
  ConstView x;
  int begin;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const {
    const int c = i % y.shape.c - begin;
    y.data[i] = c >= 0 && c < x.shape.c ? x.data[i / y.shape.c * x.shape.c + c] : real(0);
  }
};

// y[begin + n, ...] = x[n, ...]; the other images are 0
struct PadImages {
  View y;
  ConstView x;
  int begin;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const {
    const int j = i - begin * y.shape.image();
    y.data[i] = j >= 0 && j < x.shape.size() ? x.data[j] : real(0);
  }
};

// y = a's images, then b's
struct ConcatImages {
  View y;
  ConstView a, b;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const {
    const int j = i - a.shape.size();
    y.data[i] = j < 0 ? a.data[i] : b.data[j];
  }
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
