#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "tests/cuda/cuda_device.h"
#include "tests/support.h"

// Kernels that join the work of the one before where a step is recorded: the sums of batch norm a convolution, or what
// adds the parts that it left; the map of batch norm its sums.
namespace snag {
namespace {

struct Layer {
  const char* what;
  bool up;
  int images, groups, in_c, out_c, h, w;  // of the input
  Conv g{};
};
const Layer kLayers[] = {
    {"one image of one pixel", false, 1, 1, 4, 8, 2, 2},
    {"1 + 1 images, a tile for each pixel", false, 2, 2, 64, 64, 4, 4},
    {"35 + 35 images, two tiles a pixel, one of both groups", false, 70, 2, 8, 20, 4, 4},
    {"more channels than a tile, not a multiple of four", false, 2, 1, 5, 131, 4, 6},
    {"a split reduction", false, 3, 1, 32, 72, 10, 10},
    {"tiles that three groups share", false, 9, 3, 4, 33, 12, 10},
    {"stride 1", false, 4, 2, 32, 64, 5, 6, {.stride = 1}},
    {"parities", true, 3, 1, 16, 33, 6, 5},
    {"parities of different sizes", true, 2, 2, 20, 8, 4, 5, {.kernel = 3}},
    {"up to 2x2", true, 5, 1, 8, 72, 1, 1},
    {"up, a split reduction", true, 2, 1, 64, 16, 5, 5},
    {"as many pixels as fit at once, in parts", false, 4, 1, 32, 8, 32, 32},
    {"three groups at once", false, 9, 3, 4, 36, 12, 10},
    {"more than those, in one group", false, 5, 1, 16, 8, 32, 32},
    {"more than those, in two groups", false, 6, 2, 12, 24, 32, 32},
    {"up, more than those", true, 5, 1, 36, 8, 8, 8},
    {"no part for a reduction in one piece", false, 2, 1, 4, 36, 8, 8},
};

Numbers far_from_zero(int n, std::uint64_t seed) {
  Numbers x = gaussian(n, seed);
  for (double& e : x) e = static_cast<float>(e + 3);
  return x;
}

enum class Follows { statistics, gradient };

// A convolution, the sums that follow it and the map that follows them.
struct Operands {
  Operands(Backend& backend, const Layer& l, Follows f) : layer(l), follows(f) {
    const Shape in{l.images, l.in_c, l.h, l.w};
    const Shape out{l.images, l.out_c, l.up ? l.g.up(l.h) : l.g.down(l.h), l.up ? l.g.up(l.w) : l.g.down(l.w)};
    const Shape weights{l.up ? l.in_c : l.out_c, l.up ? l.out_c : l.in_c, l.g.kernel, l.g.kernel};
    const Shape sums{.n = l.groups, .c = l.out_c}, channels{.c = l.out_c};
    const auto nothing = [&](Shape s) {
      return put(backend, s, Numbers(static_cast<std::size_t>(s.size()), std::nan("")));
    };
    in_ = put(backend, in, far_from_zero(in.size(), 1));
    w = put(backend, weights, gaussian(weights.size(), 2));
    y = nothing(out);
    first = nothing(sums);
    second = nothing(sums);
    normalised = put(backend, out, far_from_zero(out.size(), 3));
    mean = put(backend, sums, far_from_zero(sums.size(), 4));
    var = put(backend, sums, Numbers(static_cast<std::size_t>(sums.size()), 1.5));
    gamma = put(backend, channels, far_from_zero(channels.size(), 5));
    beta = put(backend, channels, gaussian(channels.size(), 6));
    mapped = nothing(out);
    kept = put(backend, channels, gaussian(channels.size(), 7));
    kept_too = put(backend, channels, gaussian(channels.size(), 8));
  }
  Kernel convolution() const {
    if (layer.up) return ConvUp{.big = y, .small = in_, .w = w, .g = layer.g};
    return ConvDown{.small = y, .big = in_, .w = w, .g = layer.g};
  }
  Kernel sums() const {
    if (follows == Follows::statistics) return BatchNormStats{.mean = first, .var = second, .x = y};
    return BatchNormGradSums{.sum_dz = first,
                             .sum_dz_xhat = second,
                             .x = normalised,
                             .dy = y,
                             .mean = mean,
                             .var = var,
                             .gamma = gamma,
                             .beta = beta,
                             .eps = real(1e-5),
                             .slope = real(0.2)};
  }

  Kernel map() const {
    if (follows == Follows::statistics)
      return norm({.mean = kept, .var = kept_too, .momentum = real(0.1), .correction = real(1.25)}, first, second);
    BatchNormGrad k = norm_grad(false);
    k.dgamma = kept, k.dbeta = kept_too, k.sum_dz = first, k.sum_dz_xhat = second;
    return k;
  }
  // What may follow the convolution and needs no sums.
  std::vector<Kernel> maps_alone() const {
    return {norm({}, mean, var), norm_grad(true),
            LeakyReluGrad{.dx = mapped, .x = normalised, .dy = y, .slope = real(0.2)}};
  }
  std::vector<Numbers> results(Backend& backend) const {
    std::vector<Numbers> all;
    for (const View& v : {y, first, second, mapped, kept, kept_too}) all.push_back(get(backend, v));
    return all;
  }

 private:
  BatchNorm norm(const Running& running, View at_mean, View at_var) const {
    return {.y = mapped,
            .x = y,
            .mean = at_mean,
            .var = at_var,
            .gamma = gamma,
            .beta = beta,
            .running = running,
            .eps = real(1e-5),
            .slope = real(0.2)};
  }
  BatchNormGrad norm_grad(bool fixed) const {
    return {.dx = mapped,
            .dgamma = {},
            .dbeta = {},
            .x = normalised,
            .dy = y,
            .mean = mean,
            .var = var,
            .gamma = gamma,
            .beta = beta,
            .sum_dz = {},
            .sum_dz_xhat = {},
            .eps = real(1e-5),
            .slope = real(0.2),
            .fixed = fixed};
  }

 public:
  Layer layer;
  Follows follows;
  View in_, w, y, first, second, normalised, mean, var, gamma, beta, mapped, kept, kept_too;
};

struct Result {
  std::vector<Numbers> values;
  int chain;
};

// Of two equal layers side by side, which may share a launch.
Result run(Backend& backend, const Layer& layer, Follows follows) {
  const Operands a(backend, layer, follows), b(backend, layer, follows);
  const auto step = backend.record([&] {
    for (const Operands* o : {&a, &b}) {
      backend.run(o->convolution());
      backend.run(o->sums());
      backend.run(o->map());
    }
  });
  step->run();
  step->run();  // finds the tickets that the first left
  Result r{a.results(backend), step->longest_chain()};
  CHECK(b.results(backend) == r.values);
  backend.rewind(0);
  return r;
}

CudaOptions options(Precision precision, bool eager = false) {
  return {.arena_bytes = std::size_t{16} << 20, .precision = precision, .eager = eager};
}

std::vector<Result> all(Backend& backend) {
  std::vector<Result> results;
  for (const Follows follows : {Follows::statistics, Follows::gradient})
    for (const Layer& layer : kLayers) {
      CAPTURE(layer.what);
      results.push_back(run(backend, layer, follows));
    }
  return results;
}

TEST_CASE("a convolution and its batch norm take two launches: the portable form's values, an eager step's bits") {
  const std::vector<Result> expected = all(*portable_backend());
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    const std::vector<Result> passed = all(*cuda(options(precision, true)));
    const auto check = [&] {
      const std::vector<Result> fused = all(*cuda(options(precision)));
      for (std::size_t i = 0; i < fused.size(); ++i) {
        CAPTURE(i);
        if (precision == Precision::fp32) CHECK(fused[i].chain == 2);  // in BF16 operands may be made first
        CHECK(fused[i].values == passed[i].values);
      }
    };
    if (precision == Precision::bf16) {  // which differs in its products alone, whose order others look at
      check();
      continue;
    }
    each_schedule(check);
    for (std::size_t i = 0; i < passed.size(); ++i) {
      CAPTURE(i);
      for (std::size_t j = 0; j < expected[i].values.size(); ++j) {
        CAPTURE(j);
        CHECK(normalised_error(passed[i].values[j], expected[i].values[j]) <= 1e-10);
      }
    }
  }
}

TEST_CASE("a convolution and a map take two launches: the portable form's values, an eager step's bits") {
  const auto captured = cuda(options(Precision::fp32)), eager = cuda(options(Precision::fp32, true)),
             reference = portable_backend();
  for (const Layer& layer : kLayers)
    for (const std::size_t number : {0u, 1u, 2u}) {
      CAPTURE(layer.what);
      CAPTURE(number);
      const auto run = [&](Backend& backend) {
        const Operands o(backend, layer, Follows::gradient);
        const auto step = backend.record([&] {
          backend.run(o.convolution());
          backend.run(o.maps_alone()[number]);
        });
        step->run();
        Result r{{get(backend, o.y), get(backend, o.mapped)}, step->longest_chain()};
        backend.rewind(0);
        return r;
      };
      const Result a = run(*captured), b = run(*eager), expected = run(*reference);
      CHECK(a.chain == 2);
      CHECK(a.values == b.values);
      for (const std::size_t i : {0u, 1u}) CHECK(normalised_error(a.values[i], expected.values[i]) <= 1e-10);
    }
}

TEST_CASE("sums of too many tiles, or of what no convolution has just computed, have a launch of their own") {
  const auto backend = cuda(options(Precision::fp32)), reference = portable_backend();
  const Layer many{"", false, 3, 3, 4, 4, 130, 130};
  const Result r = run(*backend, many, Follows::statistics), expected = run(*reference, many, Follows::statistics);
  CHECK(r.chain == 3);
  CHECK(normalised_error(r.values[2], expected.values[2]) <= 1e-10);

  const Layer small{"in one piece, not a multiple of four channels", false, 2, 2, 4, 9, 4, 4};
  const Operands a(*backend, small, Follows::statistics), b(*backend, small, Follows::statistics);
  for (const auto& [first, second] : {std::pair{a.convolution(), b.sums()}, {a.sums(), a.convolution()}}) {
    const auto step = backend->record([&] {
      backend->run(first);
      backend->run(second);
    });
    CHECK(step->kernels() == 2);
  }
}

TEST_CASE("a convolution that takes sums waits for those who read what was there before") {
  const Layer layer{"one pixel, not a multiple of four channels", false, 1, 1, 4, 9, 2, 2};
  const auto backend = cuda(options(Precision::fp32));
  const Operands a(*backend, layer, Follows::statistics), b(*backend, layer, Follows::statistics);
  const Shape s = a.y.shape;
  const View z = put(*backend, s, Numbers(static_cast<std::size_t>(s.size())));
  const std::vector<float> before(static_cast<std::size_t>(b.first.shape.size()), 8);
  REQUIRE(s.size() == b.first.shape.size());
  backend->upload(b.first.data, before.data(), before.size() * sizeof(float));
  const auto step = backend->record([&] {
    backend->run(a.convolution());
    backend->run(Add{.y = z, .a = a.y, .b = {b.first.data, s}});
    backend->run(b.convolution());
    backend->run(b.sums());
  });
  step->run();
  const Numbers y = get(*backend, a.y), sum = get(*backend, z);
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(sum[i] == static_cast<float>(y[i] + 8));
}

TEST_CASE("a transposed convolution turns the weights that its step has just written, in each run anew") {
  // For one multiprocessor, and of the size that warpgroups are for.
  const Layer layer{"", true, 12, 1, 64, 64, 8, 8};
  const auto run = [&](Precision precision, bool eager) {
    CudaOptions o = options(precision, eager);
    o.multiprocessors = 1;
    const auto backend = cuda(o);
    const Operands a(*backend, layer, Follows::statistics);
    const Shape s = a.w.shape;
    const View source = put(*backend, s, gaussian(s.size(), 9));
    const auto step = backend->record([&] {
      backend->run(a.convolution());  // with weights as they are after the run before
      backend->run(LeakyRelu{.y = a.w, .x = source, .slope = real(0.5)});
      backend->run(a.convolution());
      backend->run(a.sums());
    });
    std::vector<Numbers> results;
    for (const int seed : {10, 11}) {
      const Numbers x = gaussian(s.size(), static_cast<std::uint64_t>(seed));
      const std::vector<float> floats(x.begin(), x.end());
      backend->upload(source.data, floats.data(), floats.size() * sizeof(float));
      step->run();
      results.push_back(get(*backend, a.y));
      results.push_back(get(*backend, a.first));
    }
    return results;
  };
  for (const Precision precision : {Precision::tf32, Precision::bf16}) {
    const std::vector<Numbers> eager = run(precision, true);
    each_schedule([&] { CHECK(run(precision, false) == eager); });
  }
}

// What a work writes and a product reads in bf16: all of it, or an image of four.
TEST_CASE("a product in BF16 reads what works before it keep as bf16: an eager step's bits, in each run anew") {
  const Conv g;
  const Shape big{4, 64, 16, 16}, half{4, 32, 16, 16}, small{4, 64, 8, 8}, weights{64, 64, 4, 4};
  const auto run = [&](bool eager) {
    CudaOptions o = options(Precision::bf16, eager);
    o.multiprocessors = 1;
    const auto backend = cuda(o);
    const auto place = [&](Shape s) {
      return put(*backend, s, Numbers(static_cast<std::size_t>(s.size()), std::nan("")));
    };
    const View source = put(*backend, big, gaussian(big.size(), 1)),
               other = put(*backend, big, gaussian(big.size(), 2)),
               w = put(*backend, weights, gaussian(weights.size(), 3)), activated = place(big), joined = place(big),
               y = place(small), z = place(small), dx = place(big), dw = place(weights);
    const auto image = [](ConstView x) {
      ConstView first = x;
      first.shape.n = 1;
      return first;
    };
    const View y_of_image{z.data, {1, small.c, small.h, small.w}};
    const auto step = backend->record([&] {
      backend->run(LeakyRelu{.y = activated, .x = source, .slope = real(0.5)});
      backend->run(ConcatChannels{.y = joined, .a = {activated.data, half}, .b = {other.data, half}});
      backend->run(ConvDown{.small = y, .big = activated, .w = w, .g = g});
      backend->run(ConvDown{.small = y_of_image, .big = image(joined), .w = w, .g = g});
      backend->run(ConvUp{.big = dx, .small = y, .w = w, .g = g});
      backend->run(Sigmoid{.y = activated, .x = other});  // which keeps no bf16: those that there are are another's
      backend->run(ConvWeight{.dw = dw, .big = activated, .small = y, .g = g});
    });
    std::vector<Numbers> results;
    for (const std::uint64_t seed : {10u, 11u}) {
      const Numbers x = gaussian(big.size(), seed);
      const std::vector<float> floats(x.begin(), x.end());
      backend->upload(source.data, floats.data(), floats.size() * sizeof(float));
      step->run();
      for (const View v : {y, y_of_image, dx, dw}) results.push_back(get(*backend, v));
    }
    return results;
  };
  const std::vector<Numbers> eager = run(true);
  each_schedule([&] { CHECK(run(false) == eager); });
}

// An image's convolution, and an activation of its output or of another tensor of that shape.
struct Activated {
  Numbers small, y;
  int chain;
};
Activated activated(Backend& backend, Shape small, int h, int w, bool of_output) {
  const Shape image{small.n, 1, h, w}, weights{small.c, 1, 4, 4};
  const auto nothing = [&] {
    return put(backend, small, Numbers(static_cast<std::size_t>(small.size()), std::nan("")));
  };
  const View x = put(backend, image, gaussian(image.size(), 1)),
             taps = put(backend, weights, gaussian(weights.size(), 2)), to = nothing(), y = nothing(),
             other = put(backend, small, gaussian(small.size(), 3));
  const auto step = backend.record([&] {
    backend.run(ConvDown{.small = to, .big = x, .w = taps, .g = {}});
    backend.run(LeakyRelu{.y = y, .x = of_output ? to : other, .slope = real(0.2)});
  });
  step->run();
  Activated result{get(backend, to), get(backend, y), step->longest_chain()};
  backend.rewind(0);
  return result;
}

TEST_CASE("the convolution of an image activates what it computes: the portable form's values, an eager step's bits") {
  const auto reference = portable_backend();
  for (const auto& [n, c, h, w] : {std::array{2, 64, 32, 32}, {3, 20, 9, 7}, {1, 260, 6, 4}}) {
    const Conv g;
    const Shape small{n, c, g.down(h), g.down(w)};
    CAPTURE(text(small));
    const Activated expected = activated(*reference, small, h, w, true),
                    passed = activated(*cuda(options(Precision::fp32, true)), small, h, w, true);
    each_schedule([&] {
      const Activated fused = activated(*cuda(options(Precision::fp32)), small, h, w, true);
      CHECK(fused.chain == 1);
      CHECK(fused.small == passed.small);
      CHECK(fused.y == passed.y);
    });
    CHECK(normalised_error(passed.y, expected.y) <= 1e-10);
    const Activated apart = activated(*cuda(options(Precision::fp32)), small, h, w, false);
    CHECK(apart.y == activated(*reference, small, h, w, false).y);
    CHECK(apart.small == passed.small);
  }
}

}  // namespace
}  // namespace snag
