#pragma once
#include <functional>
#include <span>
#include <vector>

#include "data/images.h"
#include "models/scorer.h"

namespace snag {

// A score for each image; where the detector makes them and they were asked for, reconstructions [n, h, w, c] in about
// [-1, 1] (an image's bytes 0 .. 255 stand for -1 .. 1).
struct Verdict {
  std::vector<float> score, reconstruction;
};

// |image - reconstruction| of one image, the mean over its channels: [h, w], where 2 is from black to white.
std::vector<float> error_map(std::span<const std::uint8_t> image, std::span<const float> reconstruction, int channels);
// [-1, 1] to bytes; what a wide output range exceeds is clamped.
std::vector<std::uint8_t> as_bytes(std::span<const float> reconstruction);

// Images taken at a time: an image's score does not depend on it. A CPU is as fast with 96 as with 128, and faster than
// with 64 or 256.
inline constexpr int kScoringBatch = 96;

// Copies images to the device, where they stay until the arena is rewound.
Bytes upload_images(Backend&, const Images&);
std::int32_t* upload_indices(Backend&, const std::vector<std::int32_t>&);

// Calls f on all images, a batch x [N,c,h,w] in [-1, 1] at a time, in order.
void for_each_batch(Tape&, const Bytes& images, const std::function<void(Tensor x)>& f);

// Adds a tensor's values, in the order of its memory, to those of `to`.
template <class T>
void append(Tensor from, std::vector<T>& to) {
  std::vector<real> values(static_cast<std::size_t>(from.shape().size()));
  from.tape->backend().download(values.data(), from.view.data, sizeof(real) * values.size());
  to.insert(to.end(), values.begin(), values.end());
}

// Scores images with `score`, which maps x [N,c,h,w] in [-1, 1] to its Scored.
Verdict judge(Tape&, const Images&, bool with_reconstruction, const std::function<Scored(Tensor x)>& score);

}  // namespace snag
