#include "tests/engine/cpu_backend.h"

namespace snag {
namespace {

// ---- convolution

// The three maps for one geometry.
void add_conv(std::vector<Case>& cases, int images, Conv g, int small_c, int big_c, int big_h, int big_w) {
  if (big_h + 2 * g.pad < g.kernel || big_w + 2 * g.pad < g.kernel) return;
  const Shape big{images, big_c, big_h, big_w}, small{images, small_c, g.down(big_h), g.down(big_w)};
  const Shape w{small_c, big_c, g.kernel, g.kernel};
  const std::string name =
      "big " + text(big) + " w " + text(w) + " stride " + std::to_string(g.stride) + " pad " + std::to_string(g.pad);
  cases.push_back({"ConvDown " + name, [=](Operands& o) {
                     return ConvDown{.small = o.out(small), .big = o.in(big), .w = o.in(w), .g = g};
                   }});
  cases.push_back({"ConvUp " + name,
                   [=](Operands& o) { return ConvUp{.big = o.out(big), .small = o.in(small), .w = o.in(w), .g = g}; }});
  cases.push_back({"ConvWeight " + name, [=](Operands& o) {
                     return ConvWeight{.dw = o.out(w), .big = o.in(big), .small = o.in(small), .g = g};
                   }});
}

TEST_CASE("the tuned convolutions equal the portable ones: kernels, strides and paddings") {
  std::vector<Case> cases;
  for (const int kernel : {1, 3, 4})
    for (const int stride : {1, 2, 3})
      for (const int pad : {0, 1, 2})
        for (const int side : {1, 2, 5, 8}) {
          add_conv(cases, 1, {kernel, stride, pad}, 17, 5, side, side);
          add_conv(cases, 5, {kernel, stride, pad}, 3, 16, side, side + 1);
          add_conv(cases, 4, {kernel, stride, pad}, 16, 1, side + 1, side);
          add_conv(cases, 2, {kernel, stride, pad}, 16, 32, side + 2, side + 4);
          add_conv(cases, 2, {kernel, stride, pad}, 1, 48, side, side + 3);
        }
  check(cases);
}

TEST_CASE("the tuned convolutions equal the portable ones: channels and images") {
  std::vector<Case> cases;
  for (const int small_c : {1, 3, 5, 16, 17, 33, 64})
    for (const int big_c : {1, 3, 5, 16, 17, 33, 64})
      for (const int images : {1, 3})
        add_conv(cases, images, {.kernel = 4, .stride = 2, .pad = 1}, small_c, big_c, 4, 6);
  check(cases);
}

TEST_CASE("the tuned convolutions equal the portable ones: the networks' own layers") {
  std::vector<Case> cases;
  for (const int images : {1, 2, 6}) {
    const Conv halve{.kernel = 4, .stride = 2, .pad = 1}, same{.kernel = 4, .stride = 1, .pad = 1};
    add_conv(cases, images, halve, 16, 1, 32, 32);
    add_conv(cases, images, halve, 64, 1, 32, 32);
    add_conv(cases, images, halve, 32, 16, 16, 16);
    add_conv(cases, images, halve, 64, 32, 8, 8);
    add_conv(cases, images, halve, 128, 64, 4, 4);
    add_conv(cases, images, same, 64, 64, 4, 4);
    add_conv(cases, images, same, 1, 64, 3, 3);
    add_conv(cases, images, halve, 64, 128, 2, 2);  // most of the window sees padding alone
  }
  add_conv(cases, 70, {.kernel = 4, .stride = 2, .pad = 1}, 40, 24, 4, 4);
  add_conv(cases, 1, {.kernel = 4, .stride = 2, .pad = 1}, 2, 1, 17, 15);
  add_conv(cases, 1, {.kernel = 4, .stride = 2, .pad = 1}, 20, 600, 4, 4);
  check(cases);
}

TEST_CASE("the tuned convolutions equal the portable ones: as many images as pay for Winograd's maps") {
  std::vector<Case> cases;
  const Conv any{.kernel = 4, .stride = 2, .pad = 1, .any_order = true};
  add_conv(cases, 17, any, 16, 32, 16, 16);
  add_conv(cases, 65, any, 48, 16, 8, 8);
  add_conv(cases, 33, any, 32, 96, 8, 16);  // 4 x 96 columns are more than one block
  add_conv(cases, 65, any, 272, 16, 8, 8);
  add_conv(cases, 40, any, 32, 16, 17, 9);
  const Conv same{.kernel = 4, .stride = 1, .pad = 1, .any_order = true};
  add_conv(cases, 40, same, 32, 16, 4, 4);
  add_conv(cases, 33, same, 16, 272, 4, 7);
  add_conv(cases, 37, {.kernel = 4, .stride = 1, .pad = 0, .any_order = true}, 16, 16, 6, 6);
  check(cases);
}

TEST_CASE("the tuned convolutions equal the portable ones: weights at Winograd's points that are made in turns" *
          doctest::skip(kLooksForRaces)) {
  std::vector<Case> cases;
  add_conv(cases, 12, {.kernel = 4, .stride = 2, .pad = 1, .any_order = true}, 352, 128, 16, 16);
  check(cases);
}

TEST_CASE("the tuned convolutions equal the portable ones: more positions than the weight gradient takes in a block") {
  std::vector<Case> cases;
  add_conv(cases, 5, {.kernel = 3, .stride = 1, .pad = 1}, 13, 32, 40, 33);
  add_conv(cases, 3, {.kernel = 1, .stride = 1, .pad = 0}, 11, 16, 45, 37);
  add_conv(cases, 2, {.kernel = 3, .stride = 2, .pad = 1}, 9, 16, 130, 131);  // one image is more
  check(cases);
}

// ---- the same bits for an image in any batch

real pattern(int i) {
  return static_cast<real>((static_cast<std::uint32_t>(i) * 2654435761U >> 8) % 4096 - 2000) / 1024;
}

std::vector<real> patterned(Shape s) {
  std::vector<real> x(static_cast<std::size_t>(s.size()));
  for (int i = 0; i < s.size(); ++i) x[static_cast<std::size_t>(i)] = pattern(i);
  return x;
}

// The last images of a batch have the bits that they have in a batch of their own.
template <class K>
void check_any_batch(Backend& backend, Shape out, Shape in, Shape w, Conv g) {
  const std::vector<real> x = patterned(in), weights = patterned(w);
  const auto run = [&](int images) {
    Shape few_out = out, few_in = in;
    few_out.n = few_in.n = images;
    std::vector<real> y(static_cast<std::size_t>(few_out.size()));
    const ConstView from{x.data() + in.size() - few_in.size(), few_in};
    backend.run(K{{y.data(), few_out}, from, {weights.data(), w}, g});
    return y;
  };
  const std::vector<real> all = run(out.n);
  for (const int images : {1, 2, 3, 17}) {
    CAPTURE(images);
    const std::vector<real> few = run(images);
    CHECK(std::equal(few.begin(), few.end(), all.end() - static_cast<std::ptrdiff_t>(few.size())));
  }
}

TEST_CASE("an image has the same bits in any batch: the networks' own layers" * doctest::skip(kLooksForRaces)) {
  constexpr int kImages = 64;
  const Conv halve{.kernel = 4, .stride = 2, .pad = 1}, same{.kernel = 4, .stride = 1, .pad = 1};
  struct Layer {
    int small_c, big_c, side;
    Conv g;
  };
  for (const TestBackend& device : test_backends()) {
    if (device.name.ends_with("portable")) continue;  // one image after the other
    const auto backend = device.make();
    for (const int width : {4, 16, 64}) {
      for (const Layer& l : {Layer{width, 1, 32, halve},
                             {2 * width, 1, 32, halve},
                             {2 * width, width, 16, halve},
                             {4 * width, width, 16, halve},
                             {4 * width, 2 * width, 8, halve},
                             {8 * width, 2 * width, 8, halve},
                             {4 * width, 4 * width, 4, halve},
                             {8 * width, 4 * width, 4, halve},
                             {1, 4 * width, 3, same}}) {
        const Shape big{kImages, l.big_c, l.side, l.side},
            small{kImages, l.small_c, l.g.down(l.side), l.g.down(l.side)}, w{l.small_c, l.big_c, 4, 4};
        CAPTURE(device.name);
        CAPTURE(text(big));
        CAPTURE(text(w));
        check_any_batch<ConvDown>(*backend, small, big, w, l.g);
        check_any_batch<ConvUp>(*backend, big, small, w, l.g);
      }
    }
  }
}

}  // namespace
}  // namespace snag
