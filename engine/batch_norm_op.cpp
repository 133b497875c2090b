#include "engine/op.h"

namespace snag {

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

}  // namespace snag
