#include <algorithm>
#include <cstddef>

#include "kernels/augment.h"
#include "kernels/cpu/cpu.h"

namespace snag {
namespace {

// A line of an image that is at most mirrored and shifted: pixel w comes from first + w * step.
inline void straight_line(const std::uint8_t* line, int side, int channels, int first, int step, real* x) {
  for (int w = 0; w < side; ++w) {
    const int from = first + w * step;
    for (int c = 0; c < channels; ++c)
      x[w * channels + c] = from >= 0 && from < side ? line[from * channels + c] / real(127.5) - 1 : real(-1);
  }
}

bool straight(const Pose& p) { return p.quarter_turns == 0 && !(p.top | p.bottom | p.left | p.right); }

}  // namespace

// One pose per image.
void launch(Cpu& cpu, const GatherBatch& k) {
  const int side = k.images.side, channels = k.images.channels;
  cpu.pool.parallel_for(k.x.shape.n, [&](int n) {
    const Pose pose = k.pose(n);
    const std::uint8_t* image = k.image(n);
    for (int h = 0; h < k.x.shape.h; ++h) {
      real* x = k.x.data + offset(k.x.shape, n, 0, h, 0);
      const int from = pose.mirror_h ? side - 1 - (h - pose.shift_h) : h - pose.shift_h;
      const std::uint8_t* line = image + from * side * channels;
      const int first = pose.mirror_w ? side - 1 + pose.shift_w : -pose.shift_w, step = pose.mirror_w ? -1 : 1;
      if (!straight(pose))
        for (int i = 0; i < side * channels; ++i)
          x[i] = pose.pixel(image, side, channels, i % channels, h, i / channels);
      else if (from < 0 || from >= side)
        std::fill_n(x, side * channels, real(-1));
      else if (channels == 1)  // a constant lets the compiler run it in vectors
        straight_line(line, side, 1, first, step, x);
      else
        straight_line(line, side, channels, first, step, x);
    }
  });
}

}  // namespace snag
