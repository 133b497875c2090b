#pragma once
#include "kernels/view.h"

namespace snag {

// Convolution, its transpose and its weight gradient are the three partial maps of one trilinear form
//     sum over n,o,c,p,q,r,t of  big[n, c, p*S+r-P, q*S+t-P] * w[o,c,r,t] * small[n,o,p,q]
// so these three kernels give forward, data gradient and weight gradient of convolution and of transposed convolution.

// small[n,o,p,q] = sum over c,r,t of big[n, c, p*S+r-P, q*S+t-P] * w[o,c,r,t]
struct ConvDown {
  View small;
  ConstView big, w;
  Conv g;
  HD int size() const { return small.shape.size(); }
  HD void operator()(int i) const {
    const Index at = index(small.shape, i);
    wide s = 0;
    for (int r = 0; r < g.kernel; ++r)
      for (int t = 0; t < g.kernel; ++t) {
        const int y = at.h * g.stride + r - g.pad, x = at.w * g.stride + t - g.pad;
        if (y < 0 || y >= big.shape.h || x < 0 || x >= big.shape.w) continue;
        for (int c = 0; c < big.shape.c; ++c) s += wide(big(at.n, c, y, x)) * w(at.c, c, r, t);
      }
    small.data[i] = static_cast<real>(s);
  }
};

// big[n,c,y,x] = sum over o and all (p,r), (q,t) with p*S+r-P = y and q*S+t-P = x of small[n,o,p,q] * w[o,c,r,t]
struct ConvUp {
  View big;
  ConstView small, w;
  Conv g;
  HD int size() const { return big.shape.size(); }
  HD void operator()(int i) const {
    const Index at = index(big.shape, i);
    wide s = 0;
    for (int r = 0; r < g.kernel; ++r)
      for (int t = 0; t < g.kernel; ++t) {
        const int y = at.h + g.pad - r, x = at.w + g.pad - t;
        if (y < 0 || x < 0 || y % g.stride || x % g.stride) continue;
        const int p = y / g.stride, q = x / g.stride;
        if (p >= small.shape.h || q >= small.shape.w) continue;
        for (int o = 0; o < small.shape.c; ++o) s += wide(small(at.n, o, p, q)) * w(o, at.c, r, t);
      }
    big.data[i] = static_cast<real>(s);
  }
};

// dw[o,c,r,t] = sum over n,p,q of big[n, c, p*S+r-P, q*S+t-P] * small[n,o,p,q]
struct ConvWeight {
  View dw;
  ConstView big, small;
  Conv g;
  HD int size() const { return dw.shape.size(); }
  HD void operator()(int i) const {
    const Index at = index(dw.shape, i);
    wide s = 0;
    for (int n = 0; n < big.shape.n; ++n)
      for (int p = 0; p < small.shape.h; ++p)
        for (int q = 0; q < small.shape.w; ++q) {
          const int y = p * g.stride + at.h - g.pad, x = q * g.stride + at.w - g.pad;
          if (y < 0 || y >= big.shape.h || x < 0 || x >= big.shape.w) continue;
          s += wide(big(n, at.c, y, x)) * small(n, at.n, p, q);
        }
    dw.data[i] = static_cast<real>(s);
  }
};

}  // namespace snag
