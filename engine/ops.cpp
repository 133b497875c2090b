#include "engine/ops.h"

#include <stdexcept>
#include <string>

namespace snag {
namespace {

[[noreturn]] void mismatch(const char* op, Shape a, Shape b) {
  throw std::invalid_argument(std::string(op) + ": shapes " + text(a) + " and " + text(b) + " do not go together");
}
void require(bool ok, const char* op, Shape a, Shape b) {
  if (!ok) mismatch(op, a, b);
}
Tensor like(Tensor x) { return x.tape->empty(x.shape()); }
template <class K>
void run(Tensor x, const K& kernel) {
  x.tape->backend().run(kernel);
}
// Does the padded map hold a window of the kernel? Where not, down() means nothing.
bool fits(Conv g, Shape big) { return big.h + 2 * g.pad >= g.kernel && big.w + 2 * g.pad >= g.kernel; }
using Grads = std::vector<Tensor>;

}  // namespace

// ---- element by element

Tensor add(Tensor a, Tensor b) {
  require(a.shape() == b.shape(), "add", a.shape(), b.shape());
  const Tensor y = like(a);
  run(y, Add{.y = y.view, .a = a.view, .b = b.view});
  return y.tape->record("add", y, {a, b}, [](Tensor dy, Needs) { return Grads{dy, dy}; });
}

Tensor mul(Tensor a, Tensor b) {
  require(a.shape() == b.shape(), "mul", a.shape(), b.shape());
  const Tensor y = like(a);
  run(y, Mul{.y = y.view, .a = a.view, .b = b.view});
  return y.tape->record("mul", y, {a, b}, [=](Tensor dy, Needs need) {
    return Grads{need[0] ? mul(dy, b) : Tensor{}, need[1] ? mul(dy, a) : Tensor{}};
  });
}

Tensor affine(Tensor x, double scale, double shift) {
  const Tensor y = like(x);
  run(y, Affine{.y = y.view, .x = x.view, .scale = static_cast<real>(scale), .shift = static_cast<real>(shift)});
  return y.tape->record("affine", y, {x}, [=](Tensor dy, Needs) { return Grads{affine(dy, scale)}; });
}

Tensor abs_diff(Tensor a, Tensor b) {
  require(a.shape() == b.shape(), "abs_diff", a.shape(), b.shape());
  const Tensor y = like(a);
  run(y, AbsDiff{.y = y.view, .a = a.view, .b = b.view});
  return y.tape->record("abs_diff", y, {a, b}, [=](Tensor dy, Needs need) {
    const Tensor da = like(dy);
    run(da, AbsDiffGrad{.da = da.view, .a = a.view, .b = b.view, .dy = dy.view});
    const Tensor once = da.tape->record_once("abs_diff's gradient", da, {a, b, dy});
    return Grads{once, need[1] ? affine(once, -1) : Tensor{}};
  });
}

Tensor leaky_relu(Tensor x, double slope) {
  const Tensor y = like(x);
  run(y, LeakyRelu{.y = y.view, .x = x.view, .slope = static_cast<real>(slope)});
  return y.tape->record("leaky_relu", y, {x}, [=](Tensor dy, Needs) { return Grads{leaky_relu_grad(x, dy, slope)}; });
}

Tensor leaky_relu_grad(Tensor x, Tensor dy, double slope) {
  require(x.shape() == dy.shape(), "leaky_relu_grad", x.shape(), dy.shape());
  const Tensor dx = like(x);
  run(dx, LeakyReluGrad{.dx = dx.view, .x = x.view, .dy = dy.view, .slope = static_cast<real>(slope)});
  // linear in dy; its derivative in x is 0 almost everywhere, so x is no input of this node
  return dx.tape->record("leaky_relu_grad", dx, {dy},
                         [=](Tensor d, Needs) { return Grads{leaky_relu_grad(x, d, slope)}; });
}

Tensor tanh(Tensor x, double range) {
  Tensor y = like(x);
  run(y, Tanh{.y = y.view, .x = x.view, .range = static_cast<real>(range)});
  return y.tape->record("tanh", y, {x}, [=](Tensor dy, Needs) {
    const Tensor dx = like(dy);
    run(dx, TanhGrad{.dx = dx.view, .y = y.view, .dy = dy.view, .range = static_cast<real>(range)});
    return Grads{dx.tape->record_once("tanh's gradient", dx, {x, dy})};
  });
}

Tensor sigmoid(Tensor x) {
  const Tensor y = like(x);
  run(y, Sigmoid{.y = y.view, .x = x.view});
  return y.tape->record("sigmoid", y, {x}, [=](Tensor dy, Needs) {
    const Tensor dx = like(dy);
    run(dx, SigmoidGrad{.dx = dx.view, .y = y.view, .dy = dy.view});
    return Grads{dx.tape->record_once("sigmoid's gradient", dx, {x, dy})};
  });
}

Tensor clamp(Tensor x, double low, double high) {
  const Tensor y = like(x);
  const auto lo = static_cast<real>(low), hi = static_cast<real>(high);
  run(y, Clamp{.y = y.view, .x = x.view, .low = lo, .high = hi});
  return y.tape->record("clamp", y, {x}, [=](Tensor dy, Needs) {
    const Tensor dx = like(dy);
    run(dx, ClampGrad{.dx = dx.view, .x = x.view, .dy = dy.view, .low = lo, .high = hi});
    return Grads{dx.tape->record_once("clamp's gradient", dx, {x, dy})};
  });
}

// ---- reductions and broadcasts

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

// ---- moving elements

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

// ---- the trilinear form

Tensor conv_down(Tensor big, Tensor w, Conv g) {
  const Shape b = big.shape(), k = w.shape();
  require(b.c == k.c && k.h == g.kernel && k.w == g.kernel && fits(g, b), "conv_down", b, k);
  const Tensor small = big.tape->empty({b.n, k.n, g.down(b.h), g.down(b.w)});
  run(small, ConvDown{.small = small.view, .big = big.view, .w = w.view, .g = g});
  return small.tape->record("conv_down", small, {big, w}, [=](Tensor d, Needs need) {
    return Grads{need[0] ? conv_up(d, w, g, b.h, b.w) : Tensor{}, need[1] ? conv_weight(big, d, g) : Tensor{}};
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
    return Grads{need[0] ? conv_down(d, w, g) : Tensor{}, need[1] ? conv_weight(d, small, g) : Tensor{}};
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
    return Grads{need[0] ? conv_up(small, d, g, b.h, b.w) : Tensor{}, need[1] ? conv_down(big, d, g) : Tensor{}};
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

// ---- batch norm, losses, dropout

Moments batch_moments(Tensor x, int groups) {
  const Shape s = x.shape(), statistics{.n = groups, .c = s.c};
  require(groups >= 1 && s.n % groups == 0, "batch_moments", s, statistics);
  const Tensor mean = x.tape->empty(statistics), var = x.tape->empty(statistics);
  run(x, BatchNormStats{.mean = mean.view, .var = var.view, .x = x.view});
  return {mean.view, var.view, false};
}

Tensor batch_norm(Tensor x, Tensor gamma, Tensor beta, const Moments& at, double slope, double eps) {
  const Shape channels{.c = x.shape().c}, statistics = at.mean.shape;
  require(gamma.shape() == channels && beta.shape() == channels, "batch_norm", x.shape(), gamma.shape());
  require(statistics.size() == statistics.n * channels.c && at.var.shape == statistics &&
              x.shape().n % statistics.n == 0 && (!at.fixed || statistics.n == 1),
          "batch_norm", x.shape(), statistics);
  const auto e = static_cast<real>(eps), s = static_cast<real>(slope);
  const Tensor y = like(x);
  run(y, BatchNorm{.y = y.view,
                   .x = x.view,
                   .mean = at.mean,
                   .var = at.var,
                   .gamma = gamma.view,
                   .beta = beta.view,
                   .running = at.running,
                   .eps = e,
                   .slope = s});
  return y.tape->record("batch_norm", y, {x, gamma, beta}, [=](Tensor dy, Needs need) {
    const bool parameters = need[1] || need[2];
    View sum_dz, sum_dz_xhat;
    if (parameters || !at.fixed) {
      sum_dz = dy.tape->empty(statistics).view, sum_dz_xhat = dy.tape->empty(statistics).view;
      run(dy, BatchNormGradSums{.sum_dz = sum_dz,
                                .sum_dz_xhat = sum_dz_xhat,
                                .x = x.view,
                                .dy = dy.view,
                                .mean = at.mean,
                                .var = at.var,
                                .gamma = gamma.view,
                                .beta = beta.view,
                                .eps = e,
                                .slope = s});
    }
    const Tensor dx = like(x), dgamma = parameters ? like(gamma) : Tensor{}, dbeta = parameters ? like(beta) : Tensor{};
    run(dx, BatchNormGrad{.dx = dx.view,
                          .dgamma = dgamma.view,
                          .dbeta = dbeta.view,
                          .x = x.view,
                          .dy = dy.view,
                          .mean = at.mean,
                          .var = at.var,
                          .gamma = gamma.view,
                          .beta = beta.view,
                          .sum_dz = sum_dz,
                          .sum_dz_xhat = sum_dz_xhat,
                          .eps = e,
                          .slope = s,
                          .fixed = at.fixed});
    const auto once = [&](Tensor t) {
      return t ? t.tape->record_once("batch_norm's gradient", t, {x, gamma, beta, dy}) : t;
    };
    return Grads{once(dx), once(dgamma), once(dbeta)};
  });
}

Tensor abc(Tensor l) {
  const Tensor y = like(l);
  run(y, Abc{.y = y.view, .l = l.view});
  return y.tape->record("abc", y, {l}, [=](Tensor dy, Needs) {
    const Tensor dl = like(l);
    run(dl, AbcGrad{.dl = dl.view, .l = l.view, .dy = dy.view});
    return Grads{dl.tape->record_once("abc's gradient", dl, {l, dy})};
  });
}

Tensor bce_with_logits(Tensor x, Tensor t) {
  require(x.shape() == t.shape(), "bce_with_logits", x.shape(), t.shape());
  const Tensor y = like(x);
  run(y, BceWithLogits{.y = y.view, .x = x.view, .t = t.view});
  return y.tape->record("bce_with_logits", y, {x}, [=](Tensor dy, Needs) {
    const Tensor dx = like(x);
    run(dx, BceWithLogitsGrad{.dx = dx.view, .x = x.view, .t = t.view, .dy = dy.view});
    return Grads{dx.tape->record_once("bce_with_logits's gradient", dx, {x, dy})};
  });
}

Tensor least_squares(Tensor x, const std::vector<double>& targets) {
  const int parts = static_cast<int>(targets.size());
  require(parts >= 1 && parts <= Targets::capacity && x.shape().n % parts == 0, "least_squares", x.shape(),
          {.n = parts});
  Targets t{.parts = parts};
  for (int i = 0; i < parts; ++i) t.value[i] = static_cast<real>(targets[static_cast<std::size_t>(i)]);
  const Tensor y = x.tape->empty({});
  run(y, LeastSquares{.y = y.view, .x = x.view, .targets = t});
  return y.tape->record("least_squares", y, {x}, [=](Tensor dy, Needs) {
    const Tensor dx = like(x);
    run(dx, LeastSquaresGrad{.dx = dx.view, .x = x.view, .dy = dy.view, .targets = t});
    return Grads{dx.tape->record_once("least_squares's gradient", dx, {x, dy})};
  });
}

Tensor weighted_sum(const std::vector<WeightedTerm>& terms) {
  if (terms.empty() || terms.size() > Weighted::capacity)
    throw std::invalid_argument("weighted_sum: " + std::to_string(terms.size()) + " terms, not 1 to " +
                                std::to_string(Weighted::capacity));
  Weighted w;
  std::vector<Tensor> in;
  for (const WeightedTerm& term : terms) {
    require(term.value.shape().size() == 1, "weighted_sum", term.value.shape(), {});
    w.value[w.count] = term.value.view.data;
    w.weight[w.count++] = static_cast<real>(term.weight);
    in.push_back(term.value);
  }
  const Tensor y = in[0].tape->empty({});
  run(y, WeightedSum{.y = y.view, .terms = w});
  return y.tape->record("weighted_sum", y, in, [=](Tensor dy, Needs) {
    const Tensor each = dy.tape->empty({.c = w.count});
    run(each, WeightEach{.y = each.view, .x = dy.view, .terms = w});
    Grads d;
    for (int i = 0; i < w.count; ++i)
      d.push_back(each.tape->record("weighted_sum's gradient", {each.tape, -1, {each.view.data + i, {}}}, {dy},
                                    [weight = w.weight[i]](Tensor dd, Needs) { return Grads{affine(dd, weight)}; }));
    return d;
  });
}

Tensor dropout(Tensor x, double p, Counter step, std::uint64_t seed, std::uint32_t layer) {
  if (!(p >= 0 && p < 1)) throw std::invalid_argument("dropout: p is " + std::to_string(p) + ", not in [0, 1)");
  const Tensor y = like(x);
  run(y, Dropout{.y = y.view, .x = x.view, .step = step, .p = static_cast<real>(p), .layer = layer, .seed = seed});
  return y.tape->record("dropout", y, {x}, [=](Tensor dy, Needs) { return Grads{dropout(dy, p, step, seed, layer)}; });
}

}  // namespace snag
