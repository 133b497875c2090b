#include <doctest/doctest.h>

#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/cuda/cuda_device.h"
#include "tests/trial.h"

// The kernels of the CUDA backend against the portable forms on the CPU.
namespace snag {
namespace {

struct Form {
  const char* name;
  CudaOptions options;
  // Of the squared error, relative: operands of 24, 11 and 8 bits; a TF32 operand is off by 0.7 / 1024.
  double tolerance;
};
const std::array<Form, 4> kForms{{{"portable", {.portable = true}, 1e-10},
                                  {"fp32", {.precision = Precision::fp32}, 1e-10},
                                  {"tf32", {.precision = Precision::tf32}, 2e-6},
                                  {"bf16", {.precision = Precision::bf16}, 1e-4}}};

TEST_CASE("every op on the GPU equals the CPU's portable form, values and gradients") {
  const auto reference = portable_backend();
  for (const Form& form : kForms) {
    const auto backend = cuda(form.options);
    for (const OpCase& op : op_cases()) {
      CAPTURE(form.name);
      CAPTURE(op.op);
      CAPTURE(op.what);
      const std::vector<Numbers> expected = outputs(op, *reference), x = outputs(op, *backend);
      for (std::size_t k = 0; k < x.size(); ++k) {
        INFO("output ", k, " (0: the value; k: the gradient of input k - 1)");
        CHECK(normalised_error(x[k], expected[k]) <= form.tolerance);
      }
    }
  }
}

// Every other time the cases run in reverse order, and find other values in memory that they have not written yet.
TEST_CASE("no op depends on the order of threads or on memory that was never written") {
  std::vector<const OpCase*> cases;
  for (const OpCase& op : op_cases())
    if (op.proof != Proof::parity) cases.push_back(&op);
  for (const Form& form : kForms) {
    if (form.options.portable) continue;
    std::vector<std::vector<std::vector<Numbers>>> results(cases.size());  // of each case, each time
    bool reverse = false;
    each_schedule([&] {
      const auto backend = cuda({.arena_bytes = std::size_t{4} << 20, .precision = form.options.precision});
      for (std::size_t i = 0; i < cases.size(); ++i) {
        const std::size_t c = reverse ? cases.size() - 1 - i : i;
        results[c].push_back(outputs(*cases[c], *backend));
      }
      reverse = !reverse;
    });
    for (std::size_t c = 0; c < cases.size(); ++c) {
      CAPTURE(form.name);
      CAPTURE(cases[c]->op);
      CAPTURE(cases[c]->what);
      for (const auto& r : results[c]) CHECK(r == results[c].front());
    }
  }
}

// ---- convolutions of many shapes, each map alone

struct Shapes {
  int images;
  Conv g;
  int small_c, big_c, big_h, big_w;
};

std::vector<Shapes> geometries() {
  std::vector<Shapes> all;
  const Conv halve{.kernel = 4, .stride = 2, .pad = 1}, same{.kernel = 4, .stride = 1, .pad = 1};
  for (const int kernel : {1, 3, 4})
    for (const int stride : {1, 2, 3})
      for (const int pad : {0, 1, 2})
        for (const int side : {2, 5})
          if (side + 2 * pad >= kernel && pad < kernel) all.push_back({3, {kernel, stride, pad}, 5, 3, side, side + 1});
  for (const int small_c : {1, 4, 20, 68})
    for (const int big_c : {1, 4, 36, 65}) all.push_back({2, halve, small_c, big_c, 6, 4});
  for (const int images : {1, 5}) {
    all.push_back({images, halve, 16, 1, 32, 32});
    all.push_back({images, halve, 32, 16, 16, 16});
    all.push_back({images, halve, 32, 64, 4, 4});
    all.push_back({images, halve, 64, 64, 2, 2});
    all.push_back({images, same, 32, 64, 4, 4});
    all.push_back({images, same, 1, 64, 3, 3});
  }
  all.push_back({1, halve, 72, 200, 4, 4});
  all.push_back({1, halve, 6, 1, 17, 15});
  all.push_back({2, halve, 260, 1, 6, 9});    // next to the image, more channels than a crew has
  all.push_back({5, halve, 128, 1, 63, 61});  // several pairs of pixels for each crew, several teams of blocks
  all.push_back({1, {.kernel = 9, .stride = 2, .pad = 4}, 4, 4, 9, 9});
  return all;
}

using Maps = std::array<Numbers, 3>;  // down, up, weight

// f(kernel, output) for the three, one after another.
template <class F>
void each_map(Backend& backend, const Shapes& s, const F& f) {
  const Shape big{s.images, s.big_c, s.big_h, s.big_w},
      small{s.images, s.small_c, s.g.down(s.big_h), s.g.down(s.big_w)}, w{s.small_c, s.big_c, s.g.kernel, s.g.kernel};
  const auto with = [&](Shape out, Shape a, Shape b, const auto& build) {
    const View y = put(backend, out, Numbers(static_cast<std::size_t>(out.size()), std::nan("")));
    f(Kernel(build(y, put(backend, a, gaussian(a.size(), 1)), put(backend, b, gaussian(b.size(), 2)))), y);
    backend.rewind(0);
  };
  with(small, big, w, [&](View y, ConstView a, ConstView b) { return ConvDown{y, a, b, s.g}; });
  with(big, small, w, [&](View y, ConstView a, ConstView b) { return ConvUp{y, a, b, s.g}; });
  with(w, big, small, [&](View y, ConstView a, ConstView b) { return ConvWeight{y, a, b, s.g}; });
}

Maps maps(Backend& backend, const Shapes& s) {
  Maps all;
  std::size_t i = 0;
  each_map(backend, s, [&](const Kernel& kernel, View y) {
    backend.run(kernel);
    all[i++] = get(backend, y);
  });
  return all;
}

std::set<std::string> tiles_of(Backend& backend, const Shapes& s) {
  std::set<std::string> all;
  each_map(backend, s, [&](const Kernel& kernel, View) {
    for (const Tiling& t : tilings(backend, kernel)) all.insert(t.tile);
  });
  return all;
}

std::vector<Maps> portable_maps(const std::vector<Shapes>& shapes) {
  const auto reference = portable_backend();
  std::vector<Maps> all;
  for (const Shapes& s : shapes) all.push_back(maps(*reference, s));
  return all;
}

void check_maps(const Maps& x, const Maps& expected, const Form& form) {
  for (std::size_t k = 0; k < x.size(); ++k) {
    INFO("map ", k, " (down, up, weight)");
    CHECK(normalised_error(x[k], expected[k]) <= form.tolerance);
  }
}

TEST_CASE("the tuned convolutions equal the portable ones on shapes that do not divide the tiles") {
  const std::vector<Shapes> shapes = geometries();
  const std::vector<Maps> expected = portable_maps(shapes);
  for (const Form& form : kForms) {
    if (form.options.portable) continue;
    const auto backend = cuda(form.options);
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const Shapes& s = shapes[i];
      CAPTURE(form.name);
      CAPTURE(s.images);
      CAPTURE(s.small_c);
      CAPTURE(s.big_c);
      CAPTURE(s.big_h);
      CAPTURE(s.big_w);
      CAPTURE(s.g.kernel);
      CAPTURE(s.g.stride);
      CAPTURE(s.g.pad);
      check_maps(maps(*backend, s), expected[i], form);
    }
  }
}

// On a device of one multiprocessor no reduction is split, on a large one most are.
TEST_CASE("convolutions equal the portable ones in each tile that they may have") {
  const Conv halve{.kernel = 4, .stride = 2, .pad = 1}, same{.kernel = 4, .stride = 1, .pad = 1};
  const std::vector<Shapes> shapes{{33, {.kernel = 1, .stride = 1, .pad = 0}, 64, 132, 3, 3},
                                   {5, halve, 136, 64, 8, 8},
                                   {30, same, 64, 32, 4, 4},
                                   {70, halve, 64, 64, 2, 2},
                                   {3, halve, 160, 20, 10, 6}};
  const std::vector<Maps> expected = portable_maps(shapes);
  for (const Form& form : kForms) {
    if (form.options.portable) continue;
    CAPTURE(form.name);
    for (const int multiprocessors : {1, 0}) {
      CAPTURE(multiprocessors);
      CudaOptions options = form.options;
      options.multiprocessors = multiprocessors;
      options.arena_bytes = std::size_t{16} << 20;                // of two backends at once
      std::map<std::string, std::vector<std::size_t>> shapes_of;  // by tile: what may have it
      const auto any = cuda(options);
      for (std::size_t i = 0; i < shapes.size(); ++i)
        for (const std::string& tile : tiles_of(*any, shapes[i])) shapes_of[tile].push_back(i);
      for (const auto& [tile, which] : shapes_of) {
        if (form.options.precision == Precision::bf16 && tile.ends_with("wgmma")) continue;  // TF32's: looked at there
        CAPTURE(tile);
        options.tile = tile;
        const auto backend = cuda(options);
        for (const std::size_t i : which) {
          const Shapes& s = shapes[i];
          CAPTURE(s.small_c);
          CAPTURE(s.big_c);
          check_maps(maps(*backend, s), expected[i], form);
        }
      }
      // On devices without products by warpgroups there are three.
      const std::size_t all = form.options.precision == Precision::tf32   ? 9
                              : form.options.precision == Precision::bf16 ? 10
                                                                          : 3;
      CHECK((shapes_of.size() == all || shapes_of.size() == 3));
    }
  }
}

}  // namespace
}  // namespace snag
