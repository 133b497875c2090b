// Copies windows of an image into rows, ready for a matrix product.
#if defined(SNAG_GATHER_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_GATHER_INL_H
#undef SNAG_GATHER_INL_H
#else
#define SNAG_GATHER_INL_H
#endif

#include <algorithm>
#include <cstddef>

#include "kernels/cpu/simd-inl.h"
#include "kernels/cpu/window.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

// Cuts positions first .. first + count of two stretches, which go image by image and line by line, where lines end:
// fn(i, n, y, x, run) for positions i .. i + run, which are (n, y, x), (n, y, x + 1), ...
template <class Fn>
HWY_INLINE void for_each_line(const Stretch& ys, const Stretch& xs, int first, int count, const Fn& fn) {
  const int width = xs.end - xs.begin, height = ys.end - ys.begin;
  int n = first / width / height, y = first / width % height, x = first % width;
  for (int i = 0; i < count;) {
    const int run = std::min(count - i, width - x);
    fn(i, n, ys.begin + y, xs.begin + x, run);
    i += run;
    x = 0;
    if (++y == height) y = 0, ++n;
  }
}

// Rows in blocks of `depth` elements: element k of row i is at data[k / depth * block_stride + i * row_stride + k %
// depth].
struct RowLayout {
  real* data;
  int depth;
  std::ptrdiff_t row_stride, block_stride;
};

// Writes a row piece by piece, going on in the next block where one is full.
class RowWriter {
 public:
  RowWriter(const RowLayout& layout, int i)
      : to_(layout.data + i * layout.row_stride), depth_(layout.depth), block_(layout.block_stride) {}
  HWY_INLINE void write(const real* from, int count) {
    for (; at_ + count > depth_; turn()) {
      const int fits = depth_ - at_;
      copy(to_ + at_, from, fits);
      from += fits;
      count -= fits;
    }
    copy(to_ + at_, from, count);
    at_ += count;
  }
  void zeros(int count) {
    for (; count > 0; --count, ++at_) {
      if (at_ == depth_) turn();
      to_[at_] = 0;
    }
  }

 private:
  void turn() {
    to_ += block_;
    at_ = 0;
  }
  real* to_;
  int depth_;
  std::ptrdiff_t block_;
  int at_ = 0;
};

// The part of the window at input (y, x) that the stretches read, with zeros where it is outside the image.
HWY_NOINLINE inline void gather_clipped(const WindowProblem& p, const Stretch& ys, const Stretch& xs, int n, int y,
                                        int x, RowWriter writer) {
  const int left = std::clamp(-x, xs.low, xs.high), right = std::clamp(p.x.in - x, left, xs.high), c = p.in_channels;
  for (int r = ys.low; r < ys.high; ++r) {
    if (y + r < 0 || y + r >= p.y.in) {
      writer.zeros((xs.high - xs.low) * c);
      continue;
    }
    writer.zeros((left - xs.low) * c);
    writer.write(p.in + (static_cast<std::ptrdiff_t>(n * p.y.in + y + r) * p.x.in + x + left) * c, (right - left) * c);
    writer.zeros((xs.high - right) * c);
  }
}

// Rows first .. first + count of the stretches. L: elements of a window's line if known at compile time, else 0.
template <int L>
void gather_rows(const WindowProblem& p, const Stretch& ys, const Stretch& xs, int first, int count,
                 const RowLayout& layout) {
  const int c = p.in_channels, lines = ys.high - ys.low, length = L > 0 ? L : (xs.high - xs.low) * c;
  const bool one_block = lines * length <= layout.depth;
  const std::ptrdiff_t line = static_cast<std::ptrdiff_t>(p.x.in) * c, row = layout.row_stride;
  for_each_line(ys, xs, first, count, [&](int i, int n, int py, int px, int run) {
    const int y = py * p.y.step + p.y.origin;
    const bool inside_y = y + ys.low >= 0 && y + ys.high <= p.y.in;
    for (int j = 0; j < run; ++j) {
      const int x = (px + j) * p.x.step + p.x.origin;
      if (!inside_y || x + xs.low < 0 || x + xs.high > p.x.in) {
        gather_clipped(p, ys, xs, n, y, x, RowWriter(layout, i + j));
        continue;
      }
      const real* from = p.in + (static_cast<std::ptrdiff_t>(n * p.y.in + y + ys.low) * p.x.in + x + xs.low) * c;
      if (one_block) {
        real* to = layout.data + (i + j) * row;
        for (int r = 0; r < lines; ++r, to += length, from += line) {
          if constexpr (L > 0)
            std::memcpy(to, from, L * sizeof(real));
          else
            copy(to, from, length);
        }
      } else {
        RowWriter writer(layout, i + j);
        for (int r = 0; r < lines; ++r, from += line) writer.write(from, length);
      }
    }
  });
}

inline void gather(const WindowProblem& p, const Stretch& ys, const Stretch& xs, int first, int count,
                   const RowLayout& layout) {
  const int length = (xs.high - xs.low) * p.in_channels;
  // a one-channel image seen through a 4x4 kernel: calls would cost more than what they copy
  if (length == 4 && (ys.high - ys.low) * length <= layout.depth)
    gather_rows<4>(p, ys, xs, first, count, layout);
  else
    gather_rows<0>(p, ys, xs, first, count, layout);
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
