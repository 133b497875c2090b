#include "bench/gpu/cases.h"

namespace snag::gpu {
namespace {

using Views = std::vector<View>;
constexpr real kEps = real(1e-5), kSlope = real(0.2);

std::string map_name(Shape s) { return std::to_string(s.c) + " on " + std::to_string(s.h) + "x" + std::to_string(s.w); }

// Adds a case whose traffic is each of its operands once.
void add(std::vector<Case>& to, Case c) {
  for (const Operand& o : c.operands) c.bytes += double(sizeof(real)) * o.shape.size();
  to.push_back(std::move(c));
}

void add_convolution(std::vector<Case>& to, int batch, int big_c, int small_c, int side, Conv g) {
  const Shape big{batch, big_c, side, side}, small{batch, small_c, g.down(side), g.down(side)},
      w{small_c, big_c, g.kernel, g.kernel};
  const std::string what = std::to_string(big_c) + "-" + std::to_string(small_c) + " on " + std::to_string(side) + "x" +
                           std::to_string(side) + (g.stride == 1 ? ", stride 1" : "");
  Case c{.what = what, .batch = batch, .products = true, .flops = 2.0 * small.size() * big_c * g.kernel * g.kernel};
  c.kernel = "ConvDown";
  c.operands = {{small}, {big}, {w}};
  c.build = [g](const Views& v) { return ConvDown{.small = v[0], .big = v[1], .w = v[2], .g = g}; };
  add(to, c);
  c.kernel = "ConvUp";
  c.operands = {{big}, {small}, {w}};
  c.build = [g](const Views& v) { return ConvUp{.big = v[0], .small = v[1], .w = v[2], .g = g}; };
  add(to, c);
  c.kernel = "ConvWeight";
  c.operands = {{w}, {big}, {small}};
  c.build = [g](const Views& v) { return ConvWeight{.dw = v[0], .big = v[1], .small = v[2], .g = g}; };
  add(to, c);
}

// A linear layer's three products; weights are [out, in].
void add_products(std::vector<Case>& to, int batch, int in, int out) {
  const Shape x{.n = batch, .c = in}, y{.n = batch, .c = out}, w{.n = out, .c = in};
  const auto product = [&](const char* what, Shape c, Shape a, Shape b, bool ta, bool tb) {
    add(to, {.kernel = "MatMul",
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
    add(to, {.kernel = kernel,
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

void add_reductions(std::vector<Case>& to, int batch) {
  const Shape image{batch, 1, 32, 32}, patches{batch, 1, 3, 3}, map{batch, 64, 16, 16}, judged{batch, 1, 2, 2};
  const auto one = [&](const char* kernel, Shape y, Shape x, std::function<Kernel(const Views&)> build) {
    add(to, {.kernel = kernel, .what = map_name(x), .batch = batch, .operands = {{y}, {x}}, .build = std::move(build)});
  };
  one("Sum", {}, judged, [](const Views& v) { return Sum{.y = v[0], .x = v[1], .scale = 1}; });
  one("ImageMean", {.n = batch}, image, [](const Views& v) { return ImageMean{.y = v[0], .x = v[1]}; });
  one("ChannelSum", {.c = 64}, map, [](const Views& v) { return ChannelSum{.y = v[0], .x = v[1]}; });
  one("PatchMean", patches, image,
      [](const Views& v) { return PatchMean{.y = v[0], .x = v[1], .patch = 16, .stride = 8}; });
  one("TopMean", {.n = batch}, patches, [](const Views& v) { return TopMean{.y = v[0], .x = v[1], .count = 3}; });
  one("LeakyRelu", map, map, [](const Views& v) { return LeakyRelu{.y = v[0], .x = v[1], .slope = kSlope}; });
  one("Tanh", image, image, [](const Views& v) { return Tanh{.y = v[0], .x = v[1], .range = 4}; });
}

Counter counter(View v) { return {reinterpret_cast<std::int32_t*>(v.data)}; }

// The optimiser's work does not depend on the batch.
void add_optimizer(std::vector<Case>& to) {
  const Shape all{.c = 11'000'000};
  const Operand zero{{}, Filled::zero};
  add(to, {.kernel = "Adam",
           .what = "11 M parameters",
           .operands = {{all}, {all}, {all, Filled::positive}, {all}, zero, zero, {all}},
           .build = [](const Views& v) {
             Gradients g;
             g.data[0] = v[3].data;
             g.begin[1] = v[3].shape.size();
             g.count = 1;
             return Adam{.w = v[0],
                         .average = v[6],
                         .m = v[1],
                         .v = v[2],
                         .g = g,
                         .step = counter(v[4]),
                         .updates = counter(v[5]),
                         .schedule = {},
                         .beta1 = 0.5,
                         .beta2 = 0.999,
                         .eps = 1e-8,
                         .weight_decay = 1e-2,
                         .decay = 0.99};
           }});
  to.back().bytes = 36.0 * all.size();  // w, m, v and the average read and written, g read
}

}  // namespace

std::vector<Case> model_cases(int batch) {
  std::vector<Case> all;
  if (batch == 0) {
    add_optimizer(all);
    return all;
  }
  const Conv halve{}, keep{.stride = 1};
  add_convolution(all, batch, 1, 64, 32, halve);
  add_convolution(all, batch, 64, 128, 16, halve);
  add_convolution(all, batch, 128, 256, 8, halve);
  add_convolution(all, batch, 256, 512, 4, halve);
  add_convolution(all, batch, 256, 256, 4, keep);
  add_convolution(all, batch, 256, 1, 3, keep);
  add_products(all, batch, 1024, 2048);
  add_products(all, batch, 512, 256);
  for (const Shape x : {Shape{batch, 64, 16, 16}, Shape{batch, 128, 8, 8}, Shape{batch, 512, 2, 2}})
    add_batch_norm(all, x);
  add_reductions(all, batch);
  return all;
}

}  // namespace snag::gpu
