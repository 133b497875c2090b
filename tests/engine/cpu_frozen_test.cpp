#include <stdexcept>

#include "tests/engine/cpu_backend.h"

namespace snag {
namespace {

constexpr Conv kHalve{.kernel = 4, .stride = 2, .pad = 1}, kSame{.kernel = 4, .stride = 1, .pad = 1};

View put(Backend& backend, Shape s, unsigned seed) { return put(backend, s, gaussian(s.size(), seed)); }

// What a kernel computes from images and weights in the arena. The last images of a batch are those of a smaller one.
struct Layer {
  std::string name;
  Shape in, out, w;  // of one image
  std::function<Kernel(View out, ConstView in, ConstView w)> kernel;

  Numbers run(Backend& backend, ConstView weights, int images) const {
    const std::size_t mark = backend.mark();
    const auto batch = [&](Shape s, int n) { return Shape{n, s.c, s.h, s.w}; };
    constexpr int kMost = 5;
    const View all = put(backend, batch(in, kMost), 3);
    const View y = put(backend, batch(out, images), 4);
    backend.run(kernel(y, {all.data + (kMost - images) * in.size(), batch(in, images)}, weights));
    const Numbers result = get(backend, y);
    backend.rewind(mark);
    return result;
  }
};

void add_convolution(std::vector<Layer>& layers, Conv g, int small_c, int big_c, int height, int width) {
  const Shape big{1, big_c, height, width}, small{1, small_c, g.down(height), g.down(width)},
      w{small_c, big_c, g.kernel, g.kernel};
  const std::string name = text(big) + " " + text(w);
  layers.push_back({"ConvDown " + name, big, small, w,
                    [g](View y, ConstView x, ConstView v) { return ConvDown{.small = y, .big = x, .w = v, .g = g}; }});
  layers.push_back({"ConvUp " + name, small, big, w,
                    [g](View y, ConstView x, ConstView v) { return ConvUp{.big = y, .small = x, .w = v, .g = g}; }});
}

std::vector<Layer> layers() {
  std::vector<Layer> all;
  for (const int width : {4, 16}) {
    add_convolution(all, kHalve, width, 1, 32, 32);
    add_convolution(all, kHalve, 2 * width, width, 16, 16);
    add_convolution(all, kHalve, 8 * width, 2 * width, 8, 8);
    add_convolution(all, kHalve, 8 * width, 4 * width, 4, 4);
    add_convolution(all, kSame, 4 * width, 4 * width, 4, 4);
    add_convolution(all, kSame, 1, 4 * width, 3, 3);
  }
  add_convolution(all, kHalve, 48, 32, 34, 22);  // lines of several tiles, columns of an odd number of panels
  add_convolution(all, {.kernel = 3, .stride = 2, .pad = 1}, 32, 48, 7, 5);
  add_convolution(all, {.kernel = 3, .stride = 1, .pad = 2}, 32, 16, 1, 3);
  add_convolution(all, {.kernel = 4, .stride = 3, .pad = 0}, 16, 32, 9, 12);
  const Shape x{.c = 300}, y{.c = 64};
  all.push_back({"MatMul a b^T", x, y, {.n = 64, .c = 300}, [](View c, ConstView a, ConstView b) {
                   return MatMul{.c = c, .a = a, .b = b, .transpose_a = false, .transpose_b = true};
                 }});
  all.push_back({"MatMul a b", x, y, {.n = 300, .c = 64}, [](View c, ConstView a, ConstView b) {
                   return MatMul{.c = c, .a = a, .b = b, .transpose_a = false, .transpose_b = false};
                 }});
  return all;
}

// A layer whose weights are kept in a packed form, and these in the arena.
const Layer& kept_layer() {
  static const std::vector<Layer> all = [] {
    std::vector<Layer> one;
    add_convolution(one, kHalve, 32, 16, 16, 16);
    return one;
  }();
  return all.front();
}

TEST_CASE("frozen weights give the same bits, for any batch and number of threads, and again") {
  std::vector<std::pair<std::string, std::unique_ptr<Backend>>> backends;
  for (const TestBackend& device : test_backends())
    if (!kLooksForRaces) backends.emplace_back(device.name, device.make());
  for (const int threads : {1, 2, 3, 7}) backends.emplace_back("", make_cpu_backend({.threads = threads}));
  for (const auto& [name, backend] : backends)
    for (const Layer& layer : layers()) {
      const std::size_t mark = backend->mark();
      const View w = put(*backend, layer.w, 5);
      std::vector<Numbers> expected;
      for (const int images : {1, 2, 3, 5}) expected.push_back(layer.run(*backend, w, images));
      backend->freeze(w);
      for (int again = 0; again < 2; ++again) {
        auto plain = expected.begin();
        for (const int images : {1, 2, 3, 5}) {
          CAPTURE(backend->name());
          CAPTURE(name);
          CAPTURE(layer.name);
          CAPTURE(images);
          CHECK(layer.run(*backend, w, images) == *plain++);
        }
      }
      backend->rewind(mark);
    }
}

TEST_CASE("a packed form of frozen weights is kept until the arena is rewound below them") {
  const auto backend = make_cpu_backend({.threads = 2});
  const Layer& layer = kept_layer();
  const std::size_t mark = backend->mark();
  const View w = put(*backend, layer.w, 5);
  backend->freeze(w);
  const Numbers before = layer.run(*backend, w, 1);  // allocates above the weights, and rewinds to their end
  const real first = w.data[0];
  w.data[0] += 1;  // behind the backend's back, so that the next result tells whether the weights are read again
  CHECK(layer.run(*backend, w, 1) == before);
  w.data[0] = first;

  backend->rewind(mark);
  const View other = put(*backend, layer.w, 6);
  REQUIRE(other.data == w.data);
  const Numbers plain = layer.run(*backend, other, 1);
  CHECK(plain != before);
  backend->freeze(other);
  CHECK(layer.run(*backend, other, 1) == plain);
}

TEST_CASE("another frozen region stays when one above it is given back") {
  const auto backend = make_cpu_backend({.threads = 1});
  const Layer& layer = kept_layer();
  const View w = put(*backend, layer.w, 5);
  backend->freeze(w);
  const Numbers before = layer.run(*backend, w, 1);
  const std::size_t mark = backend->mark();
  for (const unsigned seed : {6U, 7U}) {
    const View other = put(*backend, layer.w, seed);
    const Numbers plain = layer.run(*backend, other, 1);
    backend->freeze(other);
    CHECK(layer.run(*backend, other, 1) == plain);
    CHECK(layer.run(*backend, w, 1) == before);
    backend->rewind(mark);
    CHECK(layer.run(*backend, w, 1) == before);
    CHECK_THROWS_AS(backend->run(Fill{.y = w, .value = 0}), std::logic_error);
  }
}

TEST_CASE("nothing writes to frozen memory") {
  for (const bool portable : {false, true}) {
    const auto backend = make_cpu_backend({.threads = 1, .portable = portable});
    const View all = put(*backend, {.c = 96}, 1);
    const auto part = [&](int begin, int size) { return View{all.data + begin, {.c = size}}; };
    backend->freeze(part(32, 32));
    const Numbers before = get(*backend, all);
    for (const View touching : {part(31, 2), part(40, 1), part(63, 2), all}) {
      CHECK_THROWS_AS(backend->run(Fill{.y = touching, .value = 0}), std::logic_error);
      const std::vector<real> zeros(static_cast<std::size_t>(touching.shape.size()));
      CHECK_THROWS_AS(backend->upload(touching.data, zeros.data(), zeros.size() * sizeof(real)), std::logic_error);
      CHECK(get(*backend, all) == before);
    }
    for (const View beside : {part(0, 32), part(64, 32)})
      CHECK_NOTHROW(backend->run(Affine{.y = beside, .x = part(32, 32), .scale = 1, .shift = 0}));
    CHECK(get(*backend, part(0, 32)) == get(*backend, part(32, 32)));
  }
}

TEST_CASE("only memory of the arena can be frozen") {
  const auto backend = make_cpu_backend({.threads = 1});
  std::vector<real> host(16);
  CHECK_THROWS_AS(backend->freeze({host.data(), Shape{.c = 16}}), std::logic_error);
  const View all = put(*backend, {.c = 16}, 1);
  CHECK_THROWS_AS(backend->freeze({all.data, Shape{.c = 32}}), std::logic_error);
  CHECK_NOTHROW(backend->freeze(all));
}

}  // namespace
}  // namespace snag
