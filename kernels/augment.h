#pragma once
#include <cmath>

#include "base/random.h"
#include "kernels/optim.h"
#include "kernels/view.h"

namespace snag {

// What may happen to a training image, each part drawn per image and on its own.
struct Augment {
  bool flip_horizontal = false, flip_vertical = false, rotate = false;  // mirror; turn by 0, 90, 180 or 270 degrees
  int shift = 0;  // move by -shift .. shift pixels each way; what comes in is black
  int crop = 0;   // cut 0 .. crop pixels off each of the four borders, then resize back (bilinear)
};

// The data set as it lies in device memory: square images, bytes [count, side, side, channels].
struct Bytes {
  const std::uint8_t* data = nullptr;
  int count = 0, side = 0, channels = 1;
};

// One value of an augmented image, scaled from 0 .. 255 to [-1, 1]. `h`, `w` are where it ends up.
struct Pose {
  bool mirror_w = false, mirror_h = false;
  int quarter_turns = 0, shift_h = 0, shift_w = 0, top = 0, bottom = 0, left = 0, right = 0;

  HD static Pose draw(const Augment& a, std::uint64_t seed, std::uint64_t sample) {
    const Draw u = philox(seed, Stream::augment, 0, sample), v = philox(seed, Stream::augment, 1, sample),
               t = philox(seed, Stream::augment, 2, sample);
    Pose p;
    p.mirror_w = a.flip_horizontal && u.below(0, 2);
    p.mirror_h = a.flip_vertical && u.below(1, 2);
    if (a.rotate) p.quarter_turns = u.below(2, 4);
    p.shift_h = t.below(0, 2 * a.shift + 1) - a.shift;
    p.shift_w = t.below(1, 2 * a.shift + 1) - a.shift;
    p.top = v.below(0, a.crop + 1);
    p.bottom = v.below(1, a.crop + 1);
    p.left = v.below(2, a.crop + 1);
    p.right = v.below(3, a.crop + 1);
    return p;
  }

  // Works backwards from the output: undo the shift, the turn, the mirrors, then sample the cropped window.
  HD real pixel(const std::uint8_t* image, int side, int channels, int c, int h, int w) const {
    h -= shift_h;
    w -= shift_w;
    if (h < 0 || w < 0 || h >= side || w >= side) return -1;
    for (int k = 0; k < quarter_turns; ++k) {
      const int t = h;
      h = w;
      w = side - 1 - t;
    }
    if (mirror_h) h = side - 1 - h;
    if (mirror_w) w = side - 1 - w;
    return sample(image + c, side, channels, h, w) / real(127.5) - 1;
  }

 private:
  HD real sample(const std::uint8_t* image, int side, int channels, int h, int w) const {
    if (!(top | bottom | left | right)) return image[(h * side + w) * channels];
    const int rows = side - top - bottom, columns = side - left - right;
    const real y = (h + real(0.5)) * rows / side - real(0.5), x = (w + real(0.5)) * columns / side - real(0.5);
    const int y0 = clamped(static_cast<int>(std::floor(y)), rows),
              x0 = clamped(static_cast<int>(std::floor(x)), columns);
    const int y1 = clamped(y0 + 1, rows), x1 = clamped(x0 + 1, columns);
    const real fy = y > y0 ? y - y0 : real(0), fx = x > x0 ? x - x0 : real(0);
    const auto at = [&](int r, int c) { return static_cast<real>(image[((top + r) * side + left + c) * channels]); };
    return (1 - fy) * ((1 - fx) * at(y0, x0) + fx * at(y0, x1)) + fy * ((1 - fx) * at(y1, x0) + fx * at(y1, x1));
  }
  HD static int clamped(int i, int n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }
};

// x[b] = image order[(*step % steps) * stride + first + b] of the data set, augmented, in [-1, 1]: `order` holds one
// epoch of `steps` steps, `stride` images each. A sample's number, *step * stride + first + b, draws its pose.
struct GatherBatch {
  View x;
  Bytes images;
  const std::int32_t* order;
  ConstCounter step;
  int steps, stride, first;
  Augment augment;
  std::uint64_t seed;
  HD int size() const { return x.shape.size(); }
  HD Pose pose(int n) const {
    return Pose::draw(augment, seed,
                      static_cast<std::uint64_t>(*step.data) * static_cast<std::uint64_t>(stride) +
                          static_cast<std::uint64_t>(first + n));
  }
  HD const std::uint8_t* image(int n) const {
    const std::int64_t chosen = order[(*step.data % steps) * stride + first + n];
    return images.data + chosen * images.side * images.side * images.channels;
  }
  HD void operator()(int i) const {
    const Index at = index(x.shape, i);
    x.data[i] = pose(at.n).pixel(image(at.n), images.side, images.channels, at.c, at.h, at.w);
  }
};

// Inverted dropout: y = x / (1 - p) with probability 1 - p, else 0. The same (seed, layer, step) gives the same mask,
// so the kernel is its own gradient.
struct Dropout {
  View y;
  ConstView x;
  ConstCounter step;
  real p;
  std::uint32_t layer;
  std::uint64_t seed;
  HD int size() const { return y.shape.size(); }
  HD void operator()(int i) const {
    const std::uint64_t counter = (static_cast<std::uint64_t>(*step.data) << 32) | static_cast<std::uint32_t>(i);
    y.data[i] = philox(seed, Stream::dropout, layer, counter).uniform(0) >= p ? x.data[i] / (1 - p) : real(0);
  }
};

}  // namespace snag
