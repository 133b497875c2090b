#pragma once
#include <string>
#include <vector>

#include "tests/support.h"

// Kernels that every backend has a tuned form of, at given sizes. A Case is {name, build(operands)}; its operands have
//   in(shape), in_positive(shape), in_rounded(shape), out(shape), in_out(start), counter(value).
namespace snag {

template <class Case>
void add_batch_norm_cases(std::vector<Case>& cases, Shape s, int groups) {
  const Shape c{.c = s.c}, statistics{.n = groups, .c = s.c};
  const auto named = [&](const char* name) {
    return name + (" " + text(s)) + ", " + std::to_string(groups) + " groups";
  };
  constexpr real eps = real(1e-5), slope = real(0.2);
  cases.push_back({named("BatchNormStats"), [=](auto& o) {
                     return BatchNormStats{.mean = o.out(statistics), .var = o.out(statistics), .x = o.in(s)};
                   }});
  for (const bool tracked : {false, true})
    cases.push_back({named("BatchNorm"), [=](auto& o) {
                       BatchNorm norm{.y = o.out(s),
                                      .x = o.in(s),
                                      .mean = o.in(statistics),
                                      .var = o.in_positive(statistics),
                                      .gamma = o.in(c),
                                      .beta = o.in(c),
                                      .running = {},
                                      .eps = eps,
                                      .slope = slope};
                       if (tracked) norm.running = {o.in_out(o.in(c)), o.in_out(o.in(c)), real(0.1), real(1.25)};
                       return norm;
                     }});
  cases.push_back({named("BatchNormGradSums"), [=](auto& o) {
                     return BatchNormGradSums{.sum_dz = o.out(statistics),
                                              .sum_dz_xhat = o.out(statistics),
                                              .x = o.in(s),
                                              .dy = o.in(s),
                                              .mean = o.in(statistics),
                                              .var = o.in_positive(statistics),
                                              .gamma = o.in(c),
                                              .beta = o.in(c),
                                              .eps = eps,
                                              .slope = slope};
                   }});
  for (const bool parameters : {false, true})
    for (const bool fixed : {false, true})
      cases.push_back({named(fixed ? "BatchNormGrad, fixed" : "BatchNormGrad"), [=](auto& o) {
                         return BatchNormGrad{.dx = o.out(s),
                                              .dgamma = parameters ? o.out(c) : View{},
                                              .dbeta = parameters ? o.out(c) : View{},
                                              .x = o.in(s),
                                              .dy = o.in(s),
                                              .mean = o.in(statistics),
                                              .var = o.in_positive(statistics),
                                              .gamma = o.in(c),
                                              .beta = o.in(c),
                                              .sum_dz = o.in(statistics),
                                              .sum_dz_xhat = o.in(statistics),
                                              .eps = eps,
                                              .slope = slope,
                                              .fixed = fixed};
                       }});
}

// `lengths`: of the gradients that together make the list.
template <class Case>
void add_adam_cases(std::vector<Case>& cases, const std::vector<int>& lengths) {
  int total = 0;
  for (const int l : lengths) total += l;
  for (const bool averaged : {false, true}) {
    const Shape trained{.c = total}, all{.c = averaged ? total + 37 : total};
    cases.push_back({"Adam " + std::to_string(total) + (averaged ? ", averaged" : ""), [=](auto& o) {
                       Adam adam{.w = o.in_out(o.in(all)),
                                 .average = averaged ? o.in_out(o.in(all)) : View{},
                                 .m = o.in_out(o.in(trained)),
                                 .v = o.in_out(o.in_positive(trained)),
                                 .g = {},
                                 .step = o.counter(7),
                                 .updates = o.counter(3),
                                 .schedule = {.base = 1e-2, .warmup = 3, .total = 20, .cosine = true},
                                 .beta1 = 0.5,
                                 .beta2 = 0.999,
                                 .eps = 1e-8,
                                 .weight_decay = averaged ? 0.01 : 0,
                                 .decay = 0.99};
                       for (const int l : lengths) {
                         adam.g.data[adam.g.count] = o.in({.c = l}).data;
                         if (adam.g.count % 2 == 1) adam.g.more[adam.g.count] = o.in({.c = l}).data;
                         adam.g.begin[adam.g.count + 1] = adam.g.begin[adam.g.count] + l;
                         ++adam.g.count;
                       }
                       return adam;
                     }});
  }
}

// Rows short and long, with and without ties.
template <class Case>
void add_largest_cases(std::vector<Case>& cases) {
  const auto add = [&](int m, int count, bool ties) {
    const Shape s{.n = 3, .w = m}, n{.n = 3};
    const auto row = [=](auto& o) { return ties ? o.in_rounded(s) : o.in(s); };
    const std::string what = std::to_string(count) + " of " + std::to_string(m) + (ties ? ", ties" : "");
    cases.push_back({"TopMean " + what, [=](auto& o) { return TopMean{.y = o.out(n), .x = row(o), .count = count}; }});
    cases.push_back({"TopMeanGrad " + what,
                     [=](auto& o) { return TopMeanGrad{.dx = o.out(s), .x = row(o), .dy = o.in(n), .count = count}; }});
  };
  for (const bool ties : {false, true}) {
    for (const int m : {1, 5, 256, 257})
      for (const int count : {1, 3, m / 2, m})
        if (count >= 1 && count <= m) add(m, count, ties);
    for (const int m : {1024, 2500})
      for (const int count : {1, 7}) add(m, count, ties);
  }
}

}  // namespace snag
