#include <algorithm>

#include "engine/op.h"

namespace snag {

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

Tensor least_squares_with_logits(Tensor x, const std::vector<double>& targets) {
  const int parts = static_cast<int>(targets.size());
  require(parts >= 1 && parts <= Targets::capacity && x.shape().n % parts == 0, "least_squares_with_logits", x.shape(),
          {.n = parts});
  Targets t{.parts = parts};
  for (int i = 0; i < parts; ++i) t.value[i] = static_cast<real>(targets[static_cast<std::size_t>(i)]);
  const Tensor y = x.tape->empty({});
  run(y, LeastSquaresWithLogits{.y = y.view, .x = x.view, .targets = t});
  return y.tape->record("least_squares_with_logits", y, {x}, [=](Tensor dy, Needs) {
    const Tensor dx = like(x);
    run(dx, LeastSquaresWithLogitsGrad{.dx = dx.view, .x = x.view, .dy = dy.view, .targets = t});
    return Grads{dx.tape->record_once("least_squares_with_logits's gradient", dx, {x, dy})};
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
  std::fill_n(w.value, w.count, nullptr);  // the gradient waits for none of them
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

}  // namespace snag
