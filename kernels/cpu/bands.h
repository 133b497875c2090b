#pragma once
#include <algorithm>

namespace snag {

// Lines begin .. end of image n: what one task of a line-wise kernel does.
struct Band {
  int n, begin, end;
};

// Cuts `images` of `lines` lines into tasks: whole images, unless these are fewer than two for each thread. Not more,
// as a task of one small image takes little longer than to claim it.
class Bands {
 public:
  Bands(int images, int lines, int threads)
      : images_(images),
        lines_(lines),
        per_image_(std::clamp((2 * threads + images - 1) / std::max(1, images), 1, std::max(1, lines))) {
    if (threads == 1) per_image_ = 1;
  }
  int count() const { return images_ * per_image_; }
  int most_lines() const { return (lines_ + per_image_ - 1) / per_image_; }
  Band operator[](int task) const {
    const int part = task % per_image_;
    return {task / per_image_, lines_ * part / per_image_, lines_ * (part + 1) / per_image_};
  }

 private:
  int images_, lines_, per_image_;
};

}  // namespace snag
