#pragma once
#include <functional>
#include <vector>

#include "data/images.h"
#include "models/scorer.h"

namespace snag {

// A score for each image; where the detector makes them and they were asked for, reconstructions [n, h, w] in about
// [-1, 1] (an image's bytes 0 .. 255 stand for -1 .. 1).
struct Verdict {
  std::vector<float> score, reconstruction;
};

// Images taken at a time: an image's score does not depend on it.
inline constexpr int kScoringBatch = 256;

// Copies images to the device, where they stay until the arena is rewound.
Bytes upload_images(Backend&, const Images&);
std::int32_t* upload_indices(Backend&, const std::vector<std::int32_t>&);

// Scores images with `score`, which maps x [N,1,h,w] in [-1, 1] to its Scored.
Verdict judge(Tape&, const Images&, bool with_reconstruction, const std::function<Scored(Tensor x)>& score);

}  // namespace snag
