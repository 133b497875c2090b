#pragma once
// What the layers next to a one-channel image have in common (one_channel.cuh): 4x4 kernels, stride 2, padding 1, whose
// 16 taps of four channels stay in a thread's registers while it goes over pixels, two at a time.
#include <bit>

#include "kernels/cuda/divisor.cuh"
#include "kernels/cuda/fours.cuh"
#include "kernels/cuda/work.cuh"

namespace snag {

constexpr int kImageBlock = 256;
constexpr int kImageTaps = 16;

// `width` threads side by side have four channels each, and together go over `each` pairs of pixels; `parts` times as
// many where taps are divided, too. Both are powers of two.
class Crew {
 public:
  int each = 1;
  Crew() = default;
  Crew(int width, int parts) : width_bits_(log2(width)), part_bits_(log2(parts)) {}
  HD int width() const { return 1 << width_bits_; }
  HD int parts() const { return 1 << part_bits_; }
  HD int bits() const { return width_bits_ + part_bits_; }  // 2^bits threads side by side
  HD int crews() const { return kImageBlock >> bits(); }    // of a block
  HD int channels() const { return 4 * width(); }
  HD int shared_floats() const { return kImageTaps * (channels() + 4); }  // of load_taps
  __device__ int lane(int thread) const { return thread & (width() - 1); }
  __device__ int lane() const { return lane(static_cast<int>(threadIdx.x)); }
  __device__ int part(int thread) const { return thread >> width_bits_ & (parts() - 1); }
  __device__ int part() const { return part(static_cast<int>(threadIdx.x)); }
  __device__ int number() const { return static_cast<int>(threadIdx.x) >> bits(); }  // of the thread's crew
  __device__ int first_pair(int block) const { return (block * crews() + number()) * each; }

 private:
  static int log2(int power) { return std::countr_zero(static_cast<unsigned>(power)); }
  int width_bits_ = 0, part_bits_ = 0;
};

// Neighbours (p, q) and (p, q + 1) of image n, q even. The second one may lie beyond the row.
struct Pair {
  int n, p, q;
  static int count(int images, int rows, int columns) { return images * rows * ceil_div(columns, 2); }
  static Raster raster(int rows, int columns) { return Raster(rows, ceil_div(columns, 2)); }
  // The i-th, along rows, then images; n is too large for those after the last.
  __device__ Pair(const Raster& pairs, int i) {
    const Raster::At at = pairs.at(i);
    n = at.n, p = at.y, q = 2 * at.x;
  }
  __device__ void next(int rows, int columns) {
    q += 2;
    if (q < columns) return;
    q = 0;
    if (++p < rows) return;
    p = 0, ++n;
  }
};

// The taps of the thread's four channels, of those from `first` on; zeros beyond the last of `channels`. They lie as
// [o][tap], and go through shared memory as [tap][o]; rows of channels() + 4 meet in a bank twice at most.
__device__ inline void load_taps(const float* w, int channels, int first, Crew crew, float* staged,
                                 float4 (&taps)[kImageTaps]) {
  constexpr int rounds = 2;  // of four taps a thread: enough for a width of 32
  const int stride = crew.channels() + 4, size = crew.channels() * kImageTaps, left = (channels - first) * kImageTaps;
  const float* const from = w + first * kImageTaps;
  float4 x[rounds];
  UNROLL
  for (int j = 0; j < rounds; ++j) {
    const int i = 4 * (j * kImageBlock + static_cast<int>(threadIdx.x));
    x[j] = make_float4(0, 0, 0, 0);
    if (i < size && i < left)
      x[j] = aligned(from) ? four(from, i) : make_float4(from[i], from[i + 1], from[i + 2], from[i + 3]);
  }
  UNROLL
  for (int j = 0; j < rounds; ++j) {
    const int i = 4 * (j * kImageBlock + static_cast<int>(threadIdx.x));
    if (i >= size) continue;
    float* const to = staged + i % kImageTaps * stride + i / kImageTaps;
    to[0] = x[j].x, to[stride] = x[j].y, to[2 * stride] = x[j].z, to[3 * stride] = x[j].w;
  }
  __syncthreads();
  UNROLL
  for (int t = 0; t < kImageTaps; ++t) taps[t] = four(staged, t * stride + 4 * crew.lane());
}

// Row r of what the 4x4 windows at small pixels (p, q) and (p, q + 1) see of the image: row 2p - 1 + r, columns
// 2q - 1 .. 2q + 4. Columns 2q and 2q + 1 lie inside. Zeros beyond the last image.
__device__ inline void load_row(ConstView image, Pair at, int r, float (&to)[6]) {
  const int y = 2 * at.p - 1 + r;
  const bool inside = at.n < image.shape.n && y >= 0 && y < image.shape.h;
  const float* const row = image.data + (at.n * image.shape.h + y) * image.shape.w;
  UNROLL
  for (int t = 0; t < 6; ++t) {
    const int x = 2 * at.q - 1 + t;
    to[t] = inside && (t == 1 || t == 2 || (x >= 0 && x < image.shape.w)) ? row[x] : 0.0f;
  }
}

}  // namespace snag
