#include <algorithm>
#include <cstddef>

#include "kernels/augment.h"
#include "kernels/cpu/cpu.h"

namespace snag {
namespace {

// A line of an image that is at most mirrored and shifted: pixel w comes from first + w * step.
void straight_line(const std::uint8_t* line, int side, int first, int step, real* x) {
  for (int w = 0; w < side; ++w) {
    const int from = first + w * step;
    x[w] = from >= 0 && from < side ? line[from] / real(127.5) - 1 : real(-1);
  }
}

bool straight(const Pose& p) { return p.quarter_turns == 0 && !(p.top | p.bottom | p.left | p.right); }

}  // namespace

// One pose per image.
void launch(Cpu& cpu, const GatherBatch& k) {
  const int side = k.x.shape.w;
  cpu.pool.parallel_for(k.x.shape.n, [&](int n) {
    const Pose pose = k.pose(n);
    const std::uint8_t* image = k.image(n);
    for (int h = 0; h < k.x.shape.h; ++h) {
      real* x = k.x.data + offset(k.x.shape, n, 0, h, 0);
      const int from = pose.mirror_h ? k.images.side - 1 - (h - pose.shift_h) : h - pose.shift_h;
      if (!straight(pose))
        for (int w = 0; w < side; ++w) x[w] = pose.pixel(image, k.images.side, h, w);
      else if (from < 0 || from >= k.images.side)
        std::fill_n(x, side, real(-1));
      else if (pose.mirror_w)
        straight_line(image + from * k.images.side, k.images.side, k.images.side - 1 + pose.shift_w, -1, x);
      else
        straight_line(image + from * k.images.side, k.images.side, -pose.shift_w, 1, x);
    }
  });
}

}  // namespace snag
