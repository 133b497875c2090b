#include "engine/op.h"

namespace snag {

Tensor reshape(Tensor x, Shape s) {
  require(x.shape().size() == s.size(), "reshape", x.shape(), s);
  return x.tape->record("reshape", {x.tape, -1, {x.view.data, s}}, {x},
                        [was = x.shape()](Tensor dy, Needs) { return Grads{reshape(dy, was)}; });
}

Tensor concat_channels(Tensor a, Tensor b) {
  const Shape s = a.shape(), t = b.shape();
  require(s.n == t.n && s.h == t.h && s.w == t.w, "concat_channels", s, t);
  const Tensor y = a.tape->empty({s.n, s.c + t.c, s.h, s.w});
  run(y, ConcatChannels{.y = y.view, .a = a.view, .b = b.view});
  return y.tape->record("concat_channels", y, {a, b}, [=](Tensor dy, Needs need) {
    return Grads{need[0] ? slice_channels(dy, 0, s.c) : Tensor{}, need[1] ? slice_channels(dy, s.c, t.c) : Tensor{}};
  });
}

Tensor slice_channels(Tensor x, int begin, int count) {
  const Shape s = x.shape();
  require(begin >= 0 && count >= 1 && begin + count <= s.c, "slice_channels", s, {.c = begin + count});
  const Tensor y = x.tape->empty({s.n, count, s.h, s.w});
  run(y, SliceChannels{.y = y.view, .x = x.view, .begin = begin});
  return y.tape->record("slice_channels", y, {x},
                        [=](Tensor dy, Needs) { return Grads{pad_channels(dy, begin, s.c)}; });
}

Tensor pad_channels(Tensor x, int begin, int channels) {
  const Shape s = x.shape();
  require(begin >= 0 && begin + s.c <= channels, "pad_channels", s, {.c = channels});
  const Tensor y = x.tape->empty({s.n, channels, s.h, s.w});
  run(y, PadChannels{.y = y.view, .x = x.view, .begin = begin});
  return y.tape->record("pad_channels", y, {x},
                        [=](Tensor dy, Needs) { return Grads{slice_channels(dy, begin, s.c)}; });
}

Tensor slice_images(Tensor x, int begin, int count) {
  const Shape s = x.shape();
  require(begin >= 0 && count >= 1 && begin + count <= s.n, "slice_images", s, {.n = begin + count});
  return x.tape->record("slice_images",
                        {x.tape, -1, {x.view.data + std::ptrdiff_t{begin} * s.image(), {count, s.c, s.h, s.w}}}, {x},
                        [=](Tensor dy, Needs) { return Grads{pad_images(dy, begin, s.n)}; });
}

Tensor pad_images(Tensor x, int begin, int images) {
  const Shape s = x.shape();
  require(begin >= 0 && begin + s.n <= images, "pad_images", s, {.n = images});
  const Tensor y = x.tape->empty({images, s.c, s.h, s.w});
  run(y, PadImages{.y = y.view, .x = x.view, .begin = begin});
  return y.tape->record("pad_images", y, {x}, [=](Tensor dy, Needs) { return Grads{slice_images(dy, begin, s.n)}; });
}

Tensor concat_images(Tensor a, Tensor b) {
  const Shape s = a.shape(), t = b.shape();
  require(s.c == t.c && s.h == t.h && s.w == t.w, "concat_images", s, t);
  const Tensor y = a.tape->empty({s.n + t.n, s.c, s.h, s.w});
  run(y, ConcatImages{.y = y.view, .a = a.view, .b = b.view});
  return y.tape->record("concat_images", y, {a, b}, [=](Tensor dy, Needs need) {
    return Grads{need[0] ? slice_images(dy, 0, s.n) : Tensor{}, need[1] ? slice_images(dy, s.n, t.n) : Tensor{}};
  });
}

Tensor quarter_turn(Tensor x, int turns) {
  const Shape s = x.shape();
  require(s.h == s.w && turns >= 0 && turns < 4, "quarter_turn", s, {.h = s.h, .w = s.h});
  const Tensor y = x.tape->empty(s);
  run(y, QuarterTurn{.y = y.view, .x = x.view, .turns = turns});
  return y.tape->record("quarter_turn", y, {x},
                        [=](Tensor dy, Needs) { return Grads{quarter_turn(dy, (4 - turns) % 4)}; });
}

}  // namespace snag
