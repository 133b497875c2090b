#pragma once
// ConvDown and ConvUp gather windows of their input. An output pixel hears only the taps that reach inside the image,
// so outputs go in groups that share their taps: one group for a whole map of ConvDown, one for each output parity of
// ConvUp, and on maps of few pixels one for each pixel.
#include <cstdint>

#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/tile_sums.cuh"

namespace snag {

constexpr int kMaxKernel = 8;       // larger ones run in the portable form
constexpr int kGroupedPixels = 16;  // maps up to this many pixels have a group for each

// Along one axis, for the outputs origin + i * step: which taps reach the input, and where tap r of output i reads:
// at(r) + i * input_step.
struct Axis {
  int origin, step, count, input_step;
  int input, stride, pad;
  bool up;
  HD int at(int r) const { return up ? (origin + pad - r) / stride : origin * stride + r - pad; }
  HD bool reaches(int r) const {
    if (up && (origin + pad - r) % stride != 0) return false;
    if (up && origin + pad - r + (count - 1) * step < 0) return false;
    const int first = at(r);
    return first < input && first + (count - 1) * input_step >= 0;
  }
};

// Both maps as a product of windows [output pixel, (tap, input channel)] and weights [(tap, input channel), output
// channel].
template <bool Up>
struct Windows {
  static constexpr Along a = Along::k, b = Up ? Along::mn : Along::k;
  static constexpr int table_size = 3 * kMaxKernel * kMaxKernel + 2 * kTileM;

  View out;
  ConstView in, w;
  Conv g;
  int group_h, group_w;  // groups along each axis; outputs of a group are so far apart
  int n_tiles;
  TileMoments moments{};  // of the output; or, where it is the gradient of a normalised tensor,
  TileGradSums gradient{};
  void join(const BatchNormStats& k) { moments = {k}; }
  void join(const BatchNormGradSums& k) { gradient = {k}; }

  HD int groups() const { return group_h * group_w; }
  HD int n_blocks() const { return n_tiles * groups(); }
  HD int m_tiles() const {  // of the group with most pixels
    return ceil_div(out.shape.n * ceil_div(out.shape.h, group_h) * ceil_div(out.shape.w, group_w), kTileM);
  }

  HD Axis axis(int origin, int groups, int out_size, int in_size) const {
    return {.origin = origin,
            .step = groups,
            .count = ceil_div(out_size - origin, groups),
            .input_step = Up ? ceil_div(groups, g.stride) : groups * g.stride,
            .input = in_size,
            .stride = g.stride,
            .pad = g.pad,
            .up = Up};
  }

  struct Block {
    const Windows& p;
    const int *tap_y, *tap_x, *tap_w, *out_row;  // in shared memory
    int taps, n0, m_count;
    // What this thread copies of the windows' tile: elements k0 .. k0 + 4 of rows row0, row0 + 16, ...
    static constexpr int kRows = kTileM / 16;
    int y[kRows], x[kRows];
    std::int64_t image[kRows];

    __device__ int depth() const { return taps * p.in.shape.c; }

    template <bool Wide>
    __device__ void fetch(int k, float* a_tile, float* b_tile) const {
      const int tid = static_cast<int>(threadIdx.x), channels = p.in.shape.c;
      for (int j = 0; j < pieces<Wide>(); ++j) {
        const int column = tid % 8 * 4 + j, tap = (k + column) / channels, c = k + column - tap * channels;
        const bool inside = tap < taps;
        const int dy = inside ? tap_y[tap] : 0, dx = inside ? tap_x[tap] : 0;
        UNROLL
        for (int i = 0; i < kRows; ++i) {
          const int yy = y[i] + dy, xx = x[i] + dx;
          const bool valid = inside && image[i] >= 0 && yy >= 0 && yy < p.in.shape.h && xx >= 0 && xx < p.in.shape.w;
          const float* from = valid ? p.in.data + (image[i] + yy * p.in.shape.w + xx) * channels + c : p.in.data;
          copy_piece<Wide>(a_tile + tile_at<a>(tid / 8 + 16 * i, column), from, valid);
        }
      }
      fetch_weights<Wide>(k, b_tile);
    }

    // Weights lie [small channel][tap][big channel].
    template <bool Wide>
    __device__ void fetch_weights(int k, float* b_tile) const {
      const int tid = static_cast<int>(threadIdx.x), channels = p.in.shape.c, kernel2 = p.g.kernel * p.g.kernel;
      if constexpr (Up) {  // channels of the output side by side; four rows of k a thread
        UNROLL
        for (int i = 0; i < kTileK / 8; ++i) {
          const int row = tid / 16 + 8 * i, kk = k + row, tap = kk / channels, c = kk - tap * channels;
          const int n = n0 + tid % 16 * 4, left = tap < taps ? p.out.shape.c - n : 0;
          const float* from =
              left > 0 ? p.w.data + (std::int64_t{c} * kernel2 + tap_w[tap]) * p.out.shape.c + n : p.w.data;
          copy4<Wide>(b_tile + tile_at<b>(tid % 16 * 4, row), from, left);
        }
      } else {
        for (int j = 0; j < pieces<Wide>(); ++j) {
          const int column = tid % 8 * 4 + j, tap = (k + column) / channels, c = k + column - tap * channels;
          const bool inside = tap < taps;
          const int tap_at = inside ? tap_w[tap] : 0;
          UNROLL
          for (int i = 0; i < kTileN / 16; ++i) {
            const int n = n0 + tid / 8 + 16 * i;
            const bool valid = inside && n < p.out.shape.c;
            const float* from = valid ? p.w.data + (std::int64_t{n} * kernel2 + tap_at) * channels + c : p.w.data;
            copy_piece<Wide>(b_tile + tile_at<b>(tid / 8 + 16 * i, column), from, valid);
          }
        }
      }
    }

    __device__ float* place(int row, int column) const {  // null: outside
      const int at = out_row[row];
      return at >= 0 && n0 + column < p.out.shape.c ? p.out.data + std::int64_t{at} * p.out.shape.c + n0 + column
                                                    : nullptr;
    }
    __device__ void store(int row, int column, float sum) const {
      if (float* to = place(row, column)) *to = sum;
    }
  };

  __device__ Block block(int m_tile, int n_block, int* table) const {
    const int tid = static_cast<int>(threadIdx.x), group = n_block / n_tiles;
    const Axis ys = axis(group / group_w, group_h, out.shape.h, in.shape.h),
               xs = axis(group % group_w, group_w, out.shape.w, in.shape.w);
    int *tap_y = table, *tap_x = tap_y + kMaxKernel * kMaxKernel, *tap_w = tap_x + kMaxKernel * kMaxKernel,
        *out_row = tap_w + kMaxKernel * kMaxKernel;
    int taps = 0;  // every thread counts, the first writes
    for (int r = 0; r < g.kernel; ++r)
      for (int t = 0; t < g.kernel; ++t) {
        if (!ys.reaches(r) || !xs.reaches(t)) continue;
        if (tid == 0) tap_y[taps] = ys.at(r), tap_x[taps] = xs.at(t), tap_w[taps] = r * g.kernel + t;
        ++taps;
      }
    const int per_image = ys.count * xs.count, m_count = out.shape.n * per_image;
    if (tid < kTileM) {
      const int m = m_tile * kTileM + tid, n = m / per_image, at = m - n * per_image;
      out_row[tid] = m < m_count ? (n * out.shape.h + ys.origin + at / xs.count * ys.step) * out.shape.w + xs.origin +
                                       at % xs.count * xs.step
                                 : -1;
    }
    Block work{*this, tap_y, tap_x, tap_w, out_row, taps, n_block % n_tiles * kTileN, m_count, {}, {}, {}};
    UNROLL
    for (int i = 0; i < Block::kRows; ++i) {
      const int m = m_tile * kTileM + tid / 8 + 16 * i, n = m / per_image, at = m - n * per_image;
      work.y[i] = at / xs.count * ys.input_step;
      work.x[i] = at % xs.count * xs.input_step;
      work.image[i] = m < m_count ? std::int64_t{n} * in.shape.h * in.shape.w : -1;
    }
    __syncthreads();
    return work;
  }

  // ---- the tile as a whole, where sums are wanted
  static constexpr std::size_t tile_shared = sizeof(float) * kKeptFloats + sizeof(TilePart) * kGemmThreads;
  HD bool keeps_tile() const { return moments.wanted() || gradient.wanted(); }
  HD int tiles() const { return m_tiles() * groups(); }  // with the same channels
  Needs tile_needs() const {
    const int sums = moments.wanted() ? moments.k.size() : gradient.k.size();
    return {.partial =
                sizeof(TilePart) / sizeof(float) * static_cast<std::size_t>(tiles()) * static_cast<std::size_t>(sums),
            .tickets = n_tiles};
  }
  __device__ void take_tile(const Block& block, int m_tile, int n_block, float* tile, const Scratch& scratch) const {
    const OutputTile of{.values = tile,
                        .pixels = block.out_row,
                        .channel = block.n0,
                        .number = n_block / n_tiles * m_tiles() + m_tile,
                        .count = tiles()};
    auto *parts = reinterpret_cast<TilePart*>(tile + kKeptFloats),
         *partial = reinterpret_cast<TilePart*>(scratch.partial);
    unsigned* ticket = scratch.tickets + n_block % n_tiles;
    if (moments.wanted())
      add_tile(moments, of, parts, partial, ticket);
    else
      add_tile(gradient, of, parts, partial, ticket);
  }
};

// Only the sums, of an output that lies in memory: the bits that the convolution would have given.
template <class Problem>
struct SumsPass {
  static constexpr int threads = kGemmThreads, resident = 1;
  Problem problem;
  Grid grid;  // as the convolution's: tiles of m, blocks of n
  Scratch scratch;
  void use(Scratch s) { scratch = s; }

  __device__ void run(Place at) const {
    DYN_SHARED(float, tile);
    SHARED(int, table, [Problem::table_size]);
    const auto block = problem.block(at.x, at.y, table);
    for (int i = static_cast<int>(threadIdx.x); i < kTileM * kTileN; i += kGemmThreads) {
      const float* from = block.place(i / kTileN, i % kTileN);
      tile[kept_at(i / kTileN, i % kTileN)] = from ? *from : 0.0f;
    }
    __syncthreads();
    problem.take_tile(block, at.x, at.y, tile, scratch);
  }
};

}  // namespace snag
