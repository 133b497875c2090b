#include "bench/cases.h"

#include <cstring>
#include <random>

namespace snag::bench {
namespace {

constexpr real kEps = real(1e-5), kSlope = real(0.2);

void add_convolution(std::vector<Case>& to, int batch, int big_c, int small_c, int side, Conv g) {
  const Shape big{batch, big_c, side, side}, small{batch, small_c, g.down(side), g.down(side)},
      w{small_c, big_c, g.kernel, g.kernel};
  const std::string what = std::to_string(big_c) + "-" + std::to_string(small_c) + " on " + std::to_string(side) + "x" +
                           std::to_string(side) + (g.stride == 1 ? ", stride 1" : "");
  Case c{.what = what, .batch = batch, .products = true, .flops = 2.0 * small.size() * big_c * g.kernel * g.kernel};
  c.kernel = "ConvDown";
  c.operands = {{small}, {big}, {w}};
  c.build = [g](const Views& v) { return ConvDown{.small = v[0], .big = v[1], .w = v[2], .g = g}; };
  add_case(to, c);
  c.kernel = "ConvUp";
  c.operands = {{big}, {small}, {w}};
  c.build = [g](const Views& v) { return ConvUp{.big = v[0], .small = v[1], .w = v[2], .g = g}; };
  add_case(to, c);
  c.kernel = "ConvWeight";
  c.operands = {{w}, {big}, {small}};
  c.build = [g](const Views& v) { return ConvWeight{.dw = v[0], .big = v[1], .small = v[2], .g = g}; };
  add_case(to, c);
}

// A linear layer's three products; weights are [out, in].
void add_products(std::vector<Case>& to, int batch, int in, int out) {
  const Shape x{.n = batch, .c = in}, y{.n = batch, .c = out}, w{.n = out, .c = in};
  const auto product = [&](const char* what, Shape c, Shape a, Shape b, bool ta, bool tb) {
    add_case(to, {.kernel = "MatMul",
                  .what = std::to_string(in) + "-" + std::to_string(out) + what,
                  .batch = batch,
                  .products = true,
                  .flops = 2.0 * batch * in * out,
                  .operands = {{c}, {a}, {b}},
                  .build = [ta, tb](const Views& v) {
                    return MatMul{.c = v[0], .a = v[1], .b = v[2], .transpose_a = ta, .transpose_b = tb};
                  }});
  };
  product(", forward", y, x, w, false, true);
  product(", data gradient", x, y, w, false, false);
  product(", weight gradient", w, y, x, true, false);
}

void add_batch_norm(std::vector<Case>& to, Shape x) {
  const Shape c{.c = x.c};
  const auto norm = [&](const char* kernel, std::vector<Operand> operands, std::function<Kernel(const Views&)> build) {
    add_case(to, {.kernel = kernel,
                  .what = map_name(x),
                  .batch = x.n,
                  .operands = std::move(operands),
                  .build = std::move(build)});
  };
  const Operand positive{c, Filled::positive};
  norm("BatchNormStats", {{c}, {c}, {x}},
       [](const Views& v) { return BatchNormStats{.mean = v[0], .var = v[1], .x = v[2]}; });
  norm("BatchNorm", {{x}, {x}, {c}, positive, {c}, {c}}, [](const Views& v) {
    return BatchNorm{.y = v[0],
                     .x = v[1],
                     .mean = v[2],
                     .var = v[3],
                     .gamma = v[4],
                     .beta = v[5],
                     .running = {},
                     .eps = kEps,
                     .slope = kSlope};
  });
  norm("BatchNormGradSums", {{c}, {c}, {x}, {x}, {c}, positive, {c}, {c}}, [](const Views& v) {
    return BatchNormGradSums{.sum_dz = v[0],
                             .sum_dz_xhat = v[1],
                             .x = v[2],
                             .dy = v[3],
                             .mean = v[4],
                             .var = v[5],
                             .gamma = v[6],
                             .beta = v[7],
                             .eps = kEps,
                             .slope = kSlope};
  });
  norm("BatchNormGrad", {{x}, {c}, {c}, {x}, {x}, {c}, positive, {c}, {c}, {c}, {c}}, [](const Views& v) {
    return BatchNormGrad{.dx = v[0],
                         .dgamma = v[1],
                         .dbeta = v[2],
                         .x = v[3],
                         .dy = v[4],
                         .mean = v[5],
                         .var = v[6],
                         .gamma = v[7],
                         .beta = v[8],
                         .sum_dz = v[9],
                         .sum_dz_xhat = v[10],
                         .eps = kEps,
                         .slope = kSlope,
                         .fixed = false};
  });
}

}  // namespace

std::string map_name(Shape s) { return std::to_string(s.c) + " on " + std::to_string(s.h) + "x" + std::to_string(s.w); }

void add_case(std::vector<Case>& to, Case c) {
  for (const Operand& o : c.operands) c.bytes += double(sizeof(real)) * o.shape.size();
  to.push_back(std::move(c));
}

std::vector<float> values(const Operand& o, unsigned seed) {
  std::vector<float> v(static_cast<std::size_t>(o.shape.size()), 0.0F);
  if (o.filled == Filled::zero) return v;
  if (o.filled == Filled::order) {
    constexpr int kStep = 7919;  // a prime: an order that no prefetcher guesses
    for (int i = 0; i < o.shape.size(); ++i) {
      const auto at = static_cast<std::int32_t>(std::int64_t{kStep} * i % o.shape.size());
      std::memcpy(&v[static_cast<std::size_t>(i)], &at, sizeof at);
    }
    return v;
  }
  std::minstd_rand random(seed);
  const float low = o.filled == Filled::positive ? 0.5F : -1.0F, width = o.filled == Filled::positive ? 1.0F : 2.0F;
  for (float& x : v) x = low + width * static_cast<float>(random() % 65536) / 65536.0F;
  return v;
}

std::vector<Case> model_cases(int batch, int width) {
  std::vector<Case> all;
  if (batch == 0) {
    add_optimizer(all, width);
    return all;
  }
  const int w = width;
  const Conv halve{.any_order = true}, keep{.stride = 1, .any_order = true};  // as in training
  add_convolution(all, batch, 1, w, 32, halve);                               // encoder 0, discriminator 0
  add_convolution(all, batch, w, 2 * w, 16, halve);                           // encoder 1, discriminator 1
  add_convolution(all, batch, 2 * w, 4 * w, 8, halve);                        // encoder 2, discriminator 2
  add_convolution(all, batch, 4 * w, 8 * w, 4, halve);                        // encoder 3, decoder 0
  add_convolution(all, batch, 2 * w, 8 * w, 8, halve);  // decoder 1: its input has the skip's channels too
  add_convolution(all, batch, w, 4 * w, 16, halve);     // decoder 2
  add_convolution(all, batch, 1, 2 * w, 32, halve);     // decoder 3
  add_convolution(all, batch, 4 * w, 4 * w, 4, keep);   // discriminator 3
  add_convolution(all, batch, 4 * w, 1, 3, keep);       // discriminator 4
  add_products(all, batch, 1024, 32 * w);
  add_products(all, batch, 8 * w, 4 * w);
  for (const Shape x : {Shape{batch, w, 16, 16}, Shape{batch, 2 * w, 8, 8}, Shape{batch, 8 * w, 2, 2}})
    add_batch_norm(all, x);
  add_reductions(all, batch, width);
  add_elementwise(all, batch, width);
  add_movement(all, batch, width);
  add_losses(all, batch);
  return all;
}

}  // namespace snag::bench
