#include "engine/op.h"

namespace snag {

Tensor sum(Tensor x, double scale) {
  const Tensor y = x.tape->empty({});
  run(y, Sum{.y = y.view, .x = x.view, .scale = static_cast<real>(scale)});
  return y.tape->record("sum", y, {x},
                        [s = x.shape(), scale](Tensor dy, Needs) { return Grads{broadcast(dy, s, scale)}; });
}

Tensor mean(Tensor x) { return sum(x, 1.0 / x.shape().size()); }

Tensor broadcast(Tensor scalar, Shape s, double scale) {
  require(scalar.shape().size() == 1, "broadcast", scalar.shape(), s);
  const Tensor y = scalar.tape->empty(s);
  run(y, Broadcast{.y = y.view, .x = scalar.view, .scale = static_cast<real>(scale)});
  return y.tape->record("broadcast", y, {scalar}, [scale](Tensor dy, Needs) { return Grads{sum(dy, scale)}; });
}

Tensor image_mean(Tensor x) {
  const Tensor y = x.tape->empty({.n = x.shape().n});
  run(y, ImageMean{.y = y.view, .x = x.view});
  return y.tape->record("image_mean", y, {x}, [s = x.shape()](Tensor dy, Needs) { return Grads{image_spread(dy, s)}; });
}

Tensor image_spread(Tensor x, Shape s) {
  require(x.shape() == Shape{.n = s.n}, "image_spread", x.shape(), s);
  const Tensor y = x.tape->empty(s);
  run(y, ImageSpread{.y = y.view, .x = x.view});
  return y.tape->record("image_spread", y, {x}, [](Tensor dy, Needs) { return Grads{image_mean(dy)}; });
}

Tensor channel_sum(Tensor x) {
  const Tensor y = x.tape->empty({.c = x.shape().c});
  run(y, ChannelSum{.y = y.view, .x = x.view});
  return y.tape->record("channel_sum", y, {x},
                        [s = x.shape()](Tensor dy, Needs) { return Grads{channel_spread(dy, s)}; });
}

Tensor channel_spread(Tensor x, Shape s) {
  require(x.shape() == Shape{.c = s.c}, "channel_spread", x.shape(), s);
  const Tensor y = x.tape->empty(s);
  run(y, ChannelSpread{.y = y.view, .x = x.view});
  return y.tape->record("channel_spread", y, {x}, [](Tensor dy, Needs) { return Grads{channel_sum(dy)}; });
}

Tensor add_bias(Tensor x, Tensor b) {
  require(b.shape() == Shape{.c = x.shape().c}, "add_bias", x.shape(), b.shape());
  const Tensor y = like(x);
  run(y, AddBias{.y = y.view, .x = x.view, .b = b.view});
  return y.tape->record("add_bias", y, {x, b}, [](Tensor dy, Needs need) {
    return Grads{dy, need[1] ? channel_sum(dy) : Tensor{}};
  });
}

Tensor patch_mean(Tensor x, int patch, int stride) {
  const Shape s = x.shape();
  require(patch >= 1 && stride >= 1 && patch <= s.h && patch <= s.w, "patch_mean", s, {.h = patch, .w = patch});
  const Tensor y = x.tape->empty({.n = s.n, .h = (s.h - patch) / stride + 1, .w = (s.w - patch) / stride + 1});
  run(y, PatchMean{.y = y.view, .x = x.view, .patch = patch, .stride = stride});
  return y.tape->record("patch_mean", y, {x}, [=](Tensor dy, Needs) {
    const Tensor dx = dy.tape->empty(s);
    run(dx, PatchMeanGrad{.dx = dx.view, .dy = dy.view, .patch = patch, .stride = stride});
    return Grads{dx.tape->record("patch_mean's gradient", dx, {dy},
                                 [=](Tensor d, Needs) { return Grads{patch_mean(d, patch, stride)}; })};
  });
}

Tensor top_mean(Tensor x, int count) {
  require(count >= 1 && count <= x.shape().image(), "top_mean", x.shape(), {.c = count});
  const Tensor y = x.tape->empty({.n = x.shape().n});
  run(y, TopMean{.y = y.view, .x = x.view, .count = count});
  return y.tape->record("top_mean", y, {x}, [=](Tensor dy, Needs) {
    const Tensor dx = like(x);
    run(dx, TopMeanGrad{.dx = dx.view, .x = x.view, .dy = dy.view, .count = count});
    return Grads{dx.tape->record_once("top_mean's gradient", dx, {x, dy})};
  });
}

}  // namespace snag
