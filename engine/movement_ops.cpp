#include "engine/op.h"

namespace snag {

Tensor reshape(Tensor x, Shape s) {
  require(x.shape().size() == s.size(), "reshape", x.shape(), s);
  return view("reshape", x, 0, s);
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
  return view("slice_images", x, begin * s.image(), {count, s.c, s.h, s.w});
}

Tensor add_all(const std::vector<Addend>& addends, Shape s) {
  if (addends.size() > Addends::capacity) {
    const auto some = addends.begin() + Addends::capacity;
    std::vector<Addend> rest{{add_all({addends.begin(), some}, s), 0}};
    rest.insert(rest.end(), some, addends.end());
    return add_all(rest, s);
  }
  Addends all;
  std::vector<Tensor> in;
  for (const auto& [x, begin] : addends) {
    require(begin >= 0 && begin + x.shape().size() <= s.size(), "add_all", x.shape(), s);
    all.x[all.count] = x.view.data;
    all.begin[all.count] = begin;
    all.end[all.count++] = begin + x.shape().size();
    in.push_back(x);
  }
  const Tensor y = in.at(0).tape->empty(s);
  run(y, AddAll{.y = y.view, .addends = all});
  return y.tape->record("add_all", y, in, [addends](Tensor dy, Needs need) {
    Grads d;
    for (std::size_t k = 0; k < addends.size(); ++k)
      d.push_back(need[k] ? view("add_all's gradient", dy, addends[k].begin, addends[k].x.shape()) : Tensor{});
    return d;
  });
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
