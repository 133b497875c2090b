#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "tests/kernel_cases.h"

namespace snag {
namespace {

constexpr double kTolerance = kDouble ? 1e-12 : 1e-5;

double scaled(double pixel) { return pixel / 127.5 - 1; }

// A square image as rows of numbers; black is 0.
struct Picture {
  int side;
  Numbers pixel;
  double at(int h, int w) const { return pixel[static_cast<std::size_t>(h * side + w)]; }
};

template <class Source>
Picture picture(int side, const Source& source) {
  Picture p{side, {}};
  for (int h = 0; h < side; ++h)
    for (int w = 0; w < side; ++w) p.pixel.push_back(source(h, w));
  return p;
}

Picture mirrored(const Picture& p, bool rows, bool columns) {
  return picture(p.side, [&](int h, int w) { return p.at(rows ? p.side - 1 - h : h, columns ? p.side - 1 - w : w); });
}
Picture turned(const Picture& p) {  // counterclockwise, as np.rot90
  return picture(p.side, [&](int h, int w) { return p.at(w, p.side - 1 - h); });
}
Picture shifted(const Picture& p, int dh, int dw) {
  return picture(p.side, [&](int h, int w) {
    const int y = h - dh, x = w - dw;
    return y < 0 || x < 0 || y >= p.side || x >= p.side ? 0.0 : p.at(y, x);
  });
}
// The window that starts at (top, left), stretched to the whole image: pixel centres map to pixel centres.
Picture cropped(const Picture& p, int top, int bottom, int left, int right) {
  const auto source = [side = p.side](int i, int extent) {
    return std::clamp((i + 0.5) * extent / side - 0.5, 0.0, extent - 1.0);
  };
  return picture(p.side, [&](int h, int w) {
    const double y = source(h, p.side - top - bottom), x = source(w, p.side - left - right);
    double sum = 0;
    for (int r = 0; r < p.side - top - bottom; ++r)
      for (int c = 0; c < p.side - left - right; ++c)
        sum += std::max(0.0, 1 - std::abs(y - r)) * std::max(0.0, 1 - std::abs(x - c)) * p.at(top + r, left + c);
    return sum;
  });
}

// The whole chain forwards, one picture at a time.
Numbers expected(Picture p, const Pose& pose) {
  p = mirrored(cropped(p, pose.top, pose.bottom, pose.left, pose.right), pose.mirror_h, pose.mirror_w);
  for (int k = 0; k < pose.quarter_turns; ++k) p = turned(p);
  Numbers y = shifted(p, pose.shift_h, pose.shift_w).pixel;
  for (double& e : y) e = scaled(e);
  return y;
}

// Images of random bytes on a device.
struct Album {
  Album(Backend& backend, int count, int side) : host(static_cast<std::size_t>(count * side * side)) {
    for (std::size_t i = 0; i < host.size(); ++i)
      host[i] = static_cast<std::uint8_t>(philox(3, Stream::sample, 0, i).below(0, 256));
    auto* data = static_cast<std::uint8_t*>(backend.alloc(host.size()));
    backend.upload(data, host.data(), host.size());
    device = {data, count, side};
  }
  Picture operator[](int i) const {
    const auto at = host.begin() + i * device.side * device.side;
    return {device.side, {at, at + device.side * device.side}};
  }
  std::vector<std::uint8_t> host;
  Bytes device;
};

const std::int32_t* put_order(Backend& backend, const std::vector<std::int32_t>& order) {
  auto* data = static_cast<std::int32_t*>(backend.alloc(order.size() * sizeof(std::int32_t)));
  backend.upload(data, order.data(), order.size() * sizeof(std::int32_t));
  return data;
}

// `order` holds one epoch
GatherBatch gather(Backend& b, const Album& album, const std::vector<std::int32_t>& order, int batch, int step,
                   const Augment& augment = {}) {
  const Shape s{batch, 1, album.device.side, album.device.side};
  return {.x = put(b, s, Numbers(static_cast<std::size_t>(s.size()), 9)),
          .images = album.device,
          .order = put_order(b, order),
          .step = put_counter(b, step),
          .steps = static_cast<int>(order.size()) / batch,
          .stride = batch,
          .first = 0,
          .augment = augment,
          .seed = 11};
}

void check_close(const Numbers& x, const Numbers& y) {
  CHECK(std::ranges::equal(x, y, [](double a, double b) { return std::abs(a - b) <= kTolerance; }));
}

void plain_gather(Backend& b) {
  const Album album(b, 5, 7);
  const GatherBatch kernel = gather(b, album, {4, 0, 3, 1, 2, 2}, 2, 3 * 100 + 1);
  b.run(kernel);
  Numbers y;
  for (const int chosen : {3, 1})
    for (const double pixel : album[chosen].pixel) y.push_back(scaled(pixel));
  check_close(get(b, kernel.x), y);
}

constexpr Augment kAll{.flip_horizontal = true, .flip_vertical = true, .rotate = true, .shift = 3, .crop = 2};

void augmented_gather(Backend& b) {
  for (const int side : {8, 13}) {
    const Album album(b, 9, side);
    std::vector<std::int32_t> order;
    for (int i = 0; i < 3 * 40; ++i) order.push_back(i * 7 % 9);
    const GatherBatch kernel = gather(b, album, order, 40, 17, kAll);
    b.run(kernel);
    const Numbers x = get(b, kernel.x);
    for (int n = 0; n < 40; ++n) {
      const Pose pose = Pose::draw(kAll, 11, 17 * 40 + static_cast<std::uint64_t>(n));
      const auto image = x.begin() + n * side * side;
      check_close({image, image + side * side}, expected(album[order[static_cast<std::size_t>(80 + n)]], pose));
    }
  }
}

void gather_in_parts(Backend& b) {
  const Album album(b, 6, 8);
  const GatherBatch whole = gather(b, album, {0, 1, 2, 3, 4, 5}, 6, 5, kAll);
  b.run(whole);
  GatherBatch part = whole;
  part.x = put(b, {2, 1, 8, 8}, Numbers(128, 0));
  part.first = 4;
  b.run(part);
  const Numbers x = get(b, whole.x);
  CHECK(get(b, part.x) == Numbers(x.begin() + 4 * 64, x.end()));
}

// A colour image is three gray ones with one pose.
void gather_colour(Backend& b) {
  constexpr int kSideHere = 9, kArea = kSideHere * kSideHere, kBatch = 12;
  const Album gray(b, 3 * 4, kSideHere);  // image 3 i + c is channel c of image i
  std::vector<std::uint8_t> mixed;
  for (int i = 0; i < 4; ++i)
    for (int p = 0; p < kArea; ++p)
      for (int c = 0; c < 3; ++c) mixed.push_back(gray.host[static_cast<std::size_t>((3 * i + c) * kArea + p)]);
  auto* data = static_cast<std::uint8_t*>(b.alloc(mixed.size()));
  b.upload(data, mixed.data(), mixed.size());
  std::vector<std::int32_t> order, of_channel;
  for (int n = 0; n < kBatch; ++n) order.push_back(n * 3 % 4);
  GatherBatch colour = gather(b, gray, order, kBatch, 5, kAll);
  const Shape s{kBatch, 3, kSideHere, kSideHere};
  colour.x = put(b, s, Numbers(static_cast<std::size_t>(s.size()), 9));
  colour.images = {data, 4, kSideHere, 3};
  b.run(colour);
  const Numbers x = get(b, colour.x);
  for (int c = 0; c < 3; ++c) {
    of_channel.clear();
    for (const std::int32_t i : order) of_channel.push_back(3 * i + c);
    const GatherBatch one = gather(b, gray, of_channel, kBatch, 5, kAll);
    b.run(one);
    Numbers of_colour;  // memory is channels last
    for (std::size_t i = static_cast<std::size_t>(c); i < x.size(); i += 3) of_colour.push_back(x[i]);
    CHECK(get(b, one.x) == of_colour);
  }
}

Numbers dropped(Backend& b, const Numbers& x, double p, std::int32_t step, std::uint64_t seed, std::uint32_t layer) {
  const Shape s{.c = static_cast<int>(x.size())};
  const View y = put(b, s, Numbers(x.size(), 9));
  b.run(Dropout{.y = y,
                .x = put(b, s, x),
                .step = put_counter(b, step),
                .p = static_cast<real>(p),
                .layer = layer,
                .seed = seed});
  return get(b, y);
}

void dropout_rate(Backend& b) {
  constexpr int kCount = 200000;
  const Numbers x(kCount, 3);
  for (const double p : {0.0, 0.25, 0.5}) {
    const Numbers y = dropped(b, x, p, 7, 1, 2);
    const auto zeros = std::count(y.begin(), y.end(), 0.0);
    const double deviation = std::sqrt(kCount * p * (1 - p));
    CHECK(std::abs(static_cast<double>(zeros) - kCount * p) <= 4 * deviation);
    CHECK(std::ranges::all_of(y, [&](double e) { return e == 0 || e == doctest::Approx(3 / (1 - p)); }));
  }
}

// Masks of different steps, layers and seeds agree as often as chance has it, and the same mask comes again.
void dropout_masks(Backend& b) {
  const Numbers x(10000, 1), y = dropped(b, x, 0.5, 7, 1, 2);
  const auto agreement = [&](const Numbers& z) {
    return std::inner_product(y.begin(), y.end(), z.begin(), 0, std::plus<>(), std::equal_to<>());
  };
  CHECK(dropped(b, x, 0.5, 7, 1, 2) == y);
  CHECK(std::abs(agreement(dropped(b, x, 0.5, 8, 1, 2)) - 5000) < 200);
  CHECK(std::abs(agreement(dropped(b, x, 0.5, 7, 2, 2)) - 5000) < 200);
  CHECK(std::abs(agreement(dropped(b, x, 0.5, 7, 1, 3)) - 5000) < 200);
}

Numbers posed(const Picture& p, const Pose& pose) {
  const std::vector<std::uint8_t> bytes(p.pixel.begin(), p.pixel.end());
  Numbers y;
  for (int h = 0; h < p.side; ++h)
    for (int w = 0; w < p.side; ++w) y.push_back((pose.pixel(bytes.data(), p.side, 1, 0, h, w) + 1) * 127.5);
  return y;
}

TEST_CASE("gathering and dropout equal independent loops") { run_on_each_backend(augment_cases()); }

TEST_CASE("each part of a pose moves pixels as numpy and torch do") {
  const Picture nine{3, {0, 1, 2, 3, 4, 5, 6, 7, 8}};
  check_close(posed(nine, {.mirror_w = true}), {2, 1, 0, 5, 4, 3, 8, 7, 6});    // np.fliplr
  check_close(posed(nine, {.mirror_h = true}), {6, 7, 8, 3, 4, 5, 0, 1, 2});    // np.flipud
  check_close(posed(nine, {.quarter_turns = 1}), {2, 5, 8, 1, 4, 7, 0, 3, 6});  // np.rot90(nine, 1)
  check_close(posed(nine, {.quarter_turns = 2}), {8, 7, 6, 5, 4, 3, 2, 1, 0});
  check_close(posed(nine, {.quarter_turns = 3}), {6, 3, 0, 7, 4, 1, 8, 5, 2});
  check_close(posed(nine, {.shift_h = 1}), {0, 0, 0, 0, 1, 2, 3, 4, 5});
  check_close(posed(nine, {.shift_w = -1}), {1, 2, 0, 4, 5, 0, 7, 8, 0});
  // F.interpolate(squares[:, :, 1:4, 0:2], size=4, mode='bilinear', align_corners=False)
  const Picture squares = picture(4, [](int h, int w) { return (4 * h + w) * (4 * h + w); });
  check_close(posed(squares, {.top = 1, .right = 2}),
              {16, 18.25, 22.75, 25, 46, 49.5, 56.5, 60, 94, 99, 109, 114, 144, 150.25, 162.75, 169});
}

TEST_CASE("what is not asked for is never drawn") {
  for (std::uint64_t sample = 0; sample < 1000; ++sample) {
    const auto identity = [](Pose p) {
      return !p.mirror_w && !p.mirror_h && p.quarter_turns == 0 && p.shift_h == 0 && p.shift_w == 0 &&
             (p.top | p.bottom | p.left | p.right) == 0;
    };
    Pose p = Pose::draw({}, 1, sample);
    REQUIRE(identity(p));
    p = Pose::draw({.flip_horizontal = true}, 1, sample);
    p.mirror_w = false;
    REQUIRE(identity(p));
    p = Pose::draw({.flip_vertical = true}, 1, sample);
    p.mirror_h = false;
    REQUIRE(identity(p));
    p = Pose::draw({.rotate = true}, 1, sample);
    p.quarter_turns = 0;
    REQUIRE(identity(p));
    p = Pose::draw({.shift = 2}, 1, sample);
    p.shift_h = p.shift_w = 0;
    REQUIRE(identity(p));
    p = Pose::draw({.crop = 2}, 1, sample);
    p.top = p.bottom = p.left = p.right = 0;
    REQUIRE(identity(p));
  }
}

// Chi-square over all combinations of two parts of a pose, hence over each part too; the bound is far out in the tail,
// mean + 5 standard deviations.
TEST_CASE("poses are uniformly distributed and their parts independent") {
  constexpr int kSamples = 60000;
  const std::vector<int> ways = {2, 2, 4, 7, 7, 3, 3, 3, 3};
  std::map<std::array<std::size_t, 2>, std::vector<int>> seen;
  for (std::uint64_t sample = 0; sample < kSamples; ++sample) {
    const Pose p = Pose::draw(kAll, 5, sample);
    const std::vector<int> part = {p.mirror_w, p.mirror_h, p.quarter_turns, p.shift_h + 3, p.shift_w + 3,
                                   p.top,      p.bottom,   p.left,          p.right};
    for (std::size_t a = 0; a < part.size(); ++a)
      for (std::size_t c = a + 1; c < part.size(); ++c) {
        std::vector<int>& cells = seen[{a, c}];
        cells.resize(static_cast<std::size_t>(ways[a] * ways[c]));
        ++cells.at(static_cast<std::size_t>(part[a] * ways[c] + part[c]));
      }
  }
  for (const auto& [parts, cells] : seen) {
    const double each = kSamples / static_cast<double>(cells.size()), freedom = static_cast<double>(cells.size()) - 1;
    double chi_square = 0;
    for (const int count : cells) chi_square += (count - each) * (count - each) / each;
    CAPTURE(parts[0]);
    CAPTURE(parts[1]);
    CHECK(chi_square < freedom + 5 * std::sqrt(2 * freedom));
  }
}

}  // namespace

std::vector<KernelCase> augment_cases() {
  return {{"without augmentation a pixel becomes pixel / 127.5 - 1", plain_gather},
          {"all augmentations together", augmented_gather},
          {"a batch gathered in parts", gather_in_parts},
          {"a colour image is gathered as three gray ones", gather_colour},
          {"Dropout's rate and scale", dropout_rate},
          {"Dropout's masks", dropout_masks}};
}

}  // namespace snag
