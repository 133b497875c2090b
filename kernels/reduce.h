#pragma once
#include "kernels/view.h"

namespace snag {

// Reductions, and the broadcasts that are their adjoints.

// y = scale * sum of x; y is a scalar
struct Sum {
  View y;
  ConstView x;
  real scale;
  HD int size() const { return 1; }
  HD void operator()(int) const {
    wide s = 0;
    for (int i = 0; i < x.shape.size(); ++i) s += x.data[i];
    *y.data = scale * static_cast<real>(s);
  }
};

// y[...] = scale * x; x is a scalar
struct Broadcast {
  View y;
  ConstView x;
  real scale;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const { y.data[i] = scale * *x.data; }
};

// y[n] = mean of image n of x
struct ImageMean {
  View y;
  ConstView x;
  HD int size() const { return x.shape.n; }
  HD void operator()(int n) const {
    const int m = x.shape.image();
    wide s = 0;
    for (int i = 0; i < m; ++i) s += x.data[n * m + i];
    y.data[n] = static_cast<real>(s / m);
  }
};

// y[n,...] = x[n] / elements of an image
struct ImageSpread {
  View y;
  ConstView x;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const { y.data[i] = x.data[i / y.shape.image()] / static_cast<real>(y.shape.image()); }
};

// y[c] = sum of x over images and pixels
struct ChannelSum {
  View y;
  ConstView x;
  HD int size() const { return x.shape.c; }
  HD void operator()(int c) const {
    wide s = 0;
    for (int p = 0; p < x.shape.pixels(); ++p) s += x.data[p * x.shape.c + c];
    y.data[c] = static_cast<real>(s);
  }
};

// y[n,c,h,w] = x[c]
struct ChannelSpread {
  View y;
  ConstView x;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const { y.data[i] = x.data[i % y.shape.c]; }
};

// y[n,c,h,w] = x[n,c,h,w] + b[c]
struct AddBias {
  View y;
  ConstView x, b;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const { y.data[i] = x.data[i] + b.data[i % y.shape.c]; }
};

// y[n,0,p,q] = mean of the patch x[n, :, p*stride .. +patch, q*stride .. +patch]
struct PatchMean {
  View y;
  ConstView x;
  int patch, stride;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const {
    const Index at = index(y.shape, i);
    wide s = 0;
    for (int r = 0; r < patch; ++r)
      for (int t = 0; t < patch; ++t)
        for (int c = 0; c < x.shape.c; ++c) s += x(at.n, c, at.h * stride + r, at.w * stride + t);
    y.data[i] = static_cast<real>(s / (patch * patch * x.shape.c));
  }
};

// the adjoint: dx[n,c,h,w] = sum over patches that hold (h, w) of dy / elements of a patch
struct PatchMeanGrad {
  View dx;
  ConstView dy;
  int patch, stride;
  HD int size() const { return dx.shape.size(); }
  HD void operator()(int i) const {
    const Index at = index(dx.shape, i);
    wide s = 0;
    for (int p = first(at.h); p < dy.shape.h && p * stride <= at.h; ++p)
      for (int q = first(at.w); q < dy.shape.w && q * stride <= at.w; ++q) s += dy(at.n, 0, p, q);
    dx.data[i] = static_cast<real>(s / (patch * patch * dx.shape.c));
  }
  // the first patch that reaches position x: the least p with p * stride + patch > x
  HD int first(int x) const { return x < patch ? 0 : (x - patch) / stride + 1; }
};

// Does element i stand among the `count` largest of row[0 .. m)? Ties go to the lower index.
HD inline bool among_largest(const real* row, int m, int i, int count) {
  int before = 0;
  for (int j = 0; j < m; ++j) before += row[j] > row[i] || (row[j] == row[i] && j < i);
  return before < count;
}

// y[n] = mean of the `count` largest elements of image n of x
struct TopMean {
  View y;
  ConstView x;
  int count;
  HD int size() const { return x.shape.n; }
  HD void operator()(int n) const {
    const int m = x.shape.image();
    const real* row = x.data + n * m;
    wide s = 0;
    for (int i = 0; i < m; ++i)
      if (among_largest(row, m, i, count)) s += row[i];
    y.data[n] = static_cast<real>(s / count);
  }
};

// dx[n,i] = dy[n] / count where x[n,i] is one of the `count` largest of its image, else 0
struct TopMeanGrad {
  View dx;
  ConstView x, dy;
  int count;
  HD int size() const { return dx.shape.size(); }
  HD void operator()(int i) const {
    const int m = x.shape.image(), n = i / m;
    dx.data[i] = among_largest(x.data + n * m, m, i % m, count) ? dy.data[n] / static_cast<real>(count) : real(0);
  }
};

}  // namespace snag
