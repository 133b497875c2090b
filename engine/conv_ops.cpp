#include "engine/op.h"

namespace snag {

namespace {

// Does the padded map hold a window of the kernel? Where not, down() means nothing.
bool fits(Conv g, Shape big) { return big.h + 2 * g.pad >= g.kernel && big.w + 2 * g.pad >= g.kernel; }

}  // namespace

Tensor conv_down(Tensor big, Tensor w, Conv g) {
  const Shape b = big.shape(), k = w.shape();
  require(b.c == k.c && k.h == g.kernel && k.w == g.kernel && fits(g, b), "conv_down", b, k);
  const Tensor small = big.tape->empty({b.n, k.n, g.down(b.h), g.down(b.w)});
  run(small, ConvDown{.small = small.view, .big = big.view, .w = w.view, .g = g});
  return small.tape->record("conv_down", small, {big, w}, [=](Tensor d, Needs need) {
    // before dx: what reads that next follows at once, so that a backend can join the two
    const Tensor dw = need[1] ? conv_weight(big, d, g) : Tensor{};
    return Grads{need[0] ? conv_up(d, w, g.in_any_order(), b.h, b.w) : Tensor{}, dw};
  });
}

Tensor conv_up(Tensor small, Tensor w, Conv g, int h, int width) {
  const Shape s = small.shape(), k = w.shape();
  const Shape b{s.n, k.c, h, width};
  require(s.c == k.n && k.h == g.kernel && k.w == g.kernel, "conv_up", s, k);
  require(fits(g, b) && g.down(h) == s.h && g.down(width) == s.w, "conv_up", s, b);
  const Tensor big = small.tape->empty(b);
  run(big, ConvUp{.big = big.view, .small = small.view, .w = w.view, .g = g});
  return big.tape->record("conv_up", big, {small, w}, [=](Tensor d, Needs need) {
    const Tensor dw = need[1] ? conv_weight(d, small, g) : Tensor{};  // first, as in conv_down
    return Grads{need[0] ? conv_down(d, w, g.in_any_order()) : Tensor{}, dw};
  });
}

Tensor conv_up(Tensor small, Tensor w, Conv g) {
  return conv_up(small, w, g, g.up(small.shape().h), g.up(small.shape().w));
}

Tensor conv_weight(Tensor big, Tensor small, Conv g) {
  const Shape b = big.shape(), s = small.shape();
  require(b.n == s.n && fits(g, b) && g.down(b.h) == s.h && g.down(b.w) == s.w, "conv_weight", b, s);
  const Tensor w = big.tape->empty({s.c, b.c, g.kernel, g.kernel});
  run(w, ConvWeight{.dw = w.view, .big = big.view, .small = small.view, .g = g});
  return w.tape->record("conv_weight", w, {big, small}, [=](Tensor d, Needs need) {
    const Conv any = g.in_any_order();
    return Grads{need[0] ? conv_up(small, d, any, b.h, b.w) : Tensor{}, need[1] ? conv_down(big, d, any) : Tensor{}};
  });
}

Tensor matmul(Tensor a, Tensor b, bool ta, bool tb) {
  const Shape s = a.shape(), t = b.shape();
  require(s.h * s.w * t.h * t.w == 1 && (ta ? s.n : s.c) == (tb ? t.c : t.n), "matmul", s, t);
  const Tensor y = a.tape->empty({.n = ta ? s.c : s.n, .c = tb ? t.n : t.c});
  run(y, MatMul{.c = y.view, .a = a.view, .b = b.view, .transpose_a = ta, .transpose_b = tb});
  return y.tape->record("matmul", y, {a, b}, [=](Tensor d, Needs need) {
    // Y = A' B' with A' = A or its transpose: dA' = dY B'^T, dB' = A'^T dY
    return Grads{!need[0] ? Tensor{}
                 : ta     ? matmul(b, d, tb, true)
                          : matmul(d, b, false, !tb),
                 !need[1] ? Tensor{}
                 : tb     ? matmul(d, a, true, ta)
                          : matmul(a, d, !ta, false)};
  });
}

}  // namespace snag
