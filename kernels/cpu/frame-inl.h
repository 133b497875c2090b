// Images of one channel in a frame of zeros, so that no tap needs to ask where the image ends.
#if defined(SNAG_FRAME_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_FRAME_INL_H
#undef SNAG_FRAME_INL_H
#else
#define SNAG_FRAME_INL_H
#endif

#include <algorithm>
#include <cstddef>
#include <utility>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

// The geometry whose kernels for one channel are unrolled: how the networks see images.
constexpr int kImageKernel = 4, kImageStride = 2;
HWY_INLINE bool is_image(Shape big, Conv g) {
  return big.c == 1 && g.kernel == kImageKernel && g.stride == kImageStride;
}
constexpr int lines_seen(int small_lines) { return (small_lines - 1) * kImageStride + kImageKernel; }

// Element (line, x) of the frame, at data[line * stride + x], is element (first line + line, x - pad) of an image.
class alignas(kArenaAlign) Frame {
 public:
  // `width`: how far taps reach. Whoever fills it first writes the zeros, so that they are in that thread's cache.
  Frame(Scratch& scratch, Shape image, Conv g, int lines, int width)
      : image_(image),
        pad_(g.pad),
        stride_(std::max(width, image.w + g.pad)),
        size_(static_cast<std::size_t>(lines) * static_cast<std::size_t>(stride_)),
        data_(scratch.take<real>(size_)) {}

  std::ptrdiff_t stride() const { return stride_; }
  const real* line(int i) const { return data_ + i * stride_; }

  // Lines first, first + 1, ... of image n of the batch.
  void fill(const real* batch, int n, int first, int lines) {
    if (!std::exchange(framed_, true)) std::fill_n(data_, size_, real(0));
    for (int i = 0; i < lines; ++i) {
      const int y = first + i;
      real* to = data_ + i * stride_ + pad_;
      if (y < 0 || y >= image_.h)
        std::fill_n(to, image_.w, real(0));
      else
        copy(to, batch + (static_cast<std::ptrdiff_t>(n) * image_.h + y) * image_.w, image_.w);
    }
  }

 private:
  Shape image_;
  int pad_;
  std::ptrdiff_t stride_;
  std::size_t size_;
  real* data_;
  bool framed_ = false;
};

inline Frame* frames(Scratch& scratch, int count, Shape image, Conv g, int lines, int width) {
  Frame* all = scratch.take<Frame>(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) new (all + i) Frame(scratch, image, g, lines, width);
  return all;
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
