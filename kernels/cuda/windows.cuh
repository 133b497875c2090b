#pragma once
// ConvDown and ConvUp gather windows of their input. An output pixel hears only the taps that reach inside the image,
// so outputs go in groups that share their taps: one group for a whole map of ConvDown, one for each output parity of
// ConvUp, and on maps of few pixels one for each pixel.
#include <cstdint>

#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/tile_sums.cuh"
#include "kernels/cuda/turn_weights.cuh"

namespace snag {

constexpr int kMaxKernel = 5, kMaxTaps = kMaxKernel * kMaxKernel;  // larger ones run in the portable form
// Maps up to so many pixels have a group for each where there are images enough to fill its tiles: each group reads its
// weights anew.
constexpr int kGroupedPixels = 16, kGroupedImages = 48;

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
  HD bool inside(int r, int i) const {
    const int y = at(r) + i * input_step;
    return y >= 0 && y < input;
  }
  // Those that reach it: first, first + every, ...
  struct Taps {
    int first, every, count;
  };
  HD Taps taps(int kernel) const {
    Taps all{0, up ? stride : 1, 0};
    for (int r = kernel - 1; r >= 0; --r)
      if (reaches(r)) all.first = r, ++all.count;
    return all;
  }
};

// Both maps as a product of windows [output pixel, (tap, input channel)] and weights [(tap, input channel), output
// channel]. Warpgroups want floats that lie along the reduction: ConvUp's weights are turned before.
template <bool Up, class TileShape>
struct Windows {
  using T = TileShape;
  using Scalar = typename T::Scalar;
  static constexpr bool is_float = std::is_same_v<Scalar, float>, turns_weights = Up && is_float && ForWarpgroups<T>;
  static constexpr Along a = Along::k, b = Up && !turns_weights ? Along::mn : Along::k;
  static constexpr bool reads_again = true;

  View out;
  ConstView in, w;
  Source<Scalar> in_data, w_data;  // as the product reads them; turned weights are [big channel][tap][small channel]
  Conv g;
  int group_h, group_w;  // groups along each axis; outputs of a group are so far apart
  int n_tiles;
  bool whole;  // four channels of the output can be stored at once
  float* parts = nullptr;
  ForwardSums moments{};  // of the output; or, where it is the gradient of a normalised tensor,
  BackwardSums gradient{};
  void join(const BatchNormStats& k) { moments = {k}; }
  void join(const BatchNormGradSums& k) { gradient = {k}; }

  HD bool chunks_have_one_tap() const { return in.shape.c % T::k == 0; }
  HD int groups() const { return group_h * group_w; }
  HD int n_blocks() const { return n_tiles * groups(); }
  HD int rows() const {  // of the group with most pixels
    return out.shape.n * ceil_div(out.shape.h, group_h) * ceil_div(out.shape.w, group_w);
  }
  HD int m_tiles() const { return ceil_div(rows(), T::m); }
  GemmSize size() const {
    const int side = Up ? ceil_div(g.kernel, g.stride) : g.kernel;  // taps along an axis, at most
    GemmSize size{.tiles = m_tiles() * n_blocks(), .chunks = ceil_div(side * side * in.shape.c, T::k), .rows = rows()};
    if (turns_weights) size.before = turning_time(w.shape);
    if (!is_float) size.before = bf16_time(in.shape) + bf16_time_of_weights(w.shape);
    if (leaves_parts()) size.pixels = out.shape.pixels(), size.outputs = out.shape.size();
    return size;
  }

  HD bool leaves_parts() const { return whole && out.shape.pixels() <= kPartsPixels; }
  View output() const { return out; }
  std::vector<Operand> operands(const Operand& written) const {
    std::vector<Operand> all{written};
    add_reads(in_data, in.shape, all), add_reads(w_data, w.shape, all);
    return all;
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

  struct Table {
    int tap_in[kMaxTaps], tap_w[kMaxTaps];  // of each tap: elements from a pixel's first window element; its weights
    int in[T::m], out[T::m];  // of each row: that element; its pixel of the output, -1 where there is none
    unsigned reach[T::m];     // a bit for each tap that lies inside
  };

  // Chunks of one tap go from tap to tap first: neighbouring pixels share what they read of an image, so it comes from
  // L1 the second time.
  struct Block {
    const Windows& p;
    const Table& table;
    int taps, n0, m_rows;

    // A chunk of one tap: that tap, and its first channel. Else its first element, as if all taps lay side by side.
    struct At {
      int tap, c;
    };
    __device__ bool chunk_has_one_tap() const { return ForWarpgroups<T> || p.chunks_have_one_tap(); }
    __device__ At at(int chunk) const {
      if (chunk_has_one_tap() && taps > 0) return {chunk % taps, chunk / taps * T::k};
      return {0, chunk * T::k};
    }
    __device__ void advance(At& a) const {
      if (!chunk_has_one_tap())
        a.c += T::k;
      else if (++a.tap == taps)
        a.tap = 0, a.c += T::k;
    }
    // The k-th element of the chunk.
    __device__ At element(At first, int k) const {
      if (chunk_has_one_tap()) return {first.tap, first.c + k};
      const int kk = first.c + k, tap = kk / p.in.shape.c;
      return {tap, kk - tap * p.in.shape.c};
    }
    __device__ bool has(At element) const { return ForWarpgroups<T> || element.tap < taps; }
    __device__ int chunks() const { return ceil_div(taps * p.in.shape.c, T::k); }
    __device__ int rows() const { return m_rows; }

    struct Row {
      unsigned offset;
      unsigned taps;  // a bit for each tap of which it has elements
    };
    // Of one k: of one tap.
    struct OfTap {
      const Scalar* from;
      unsigned tap;
      __device__ Element<Scalar> operator()(Row row) const { return {from + row.offset, (row.taps & tap) != 0}; }
    };
    __device__ int a_low() const { return p.in_data.low; }
    __device__ int b_low() const { return p.w_data.low; }
    __device__ Row a_row(int m) const { return {static_cast<unsigned>(table.in[m]), table.reach[m]}; }
    __device__ OfTap a_line(At first, int k) const {
      const At d = element(first, k);
      if (!has(d)) return {p.in_data.data, 0};
      return {p.in_data.data + (table.tap_in[d.tap] + d.c), 1u << d.tap};
    }
    // Weights lie [small channel][tap][big channel], where they are not turned.
    __device__ Row b_row(int n) const {
      const int channel = b == Along::mn ? 1 : p.g.kernel * p.g.kernel * p.in.shape.c;
      return {static_cast<unsigned>(n * channel), n0 + n < p.out.shape.c ? ~0u : 0};
    }
    __device__ OfTap b_line(At first, int k) const {
      const int kernel2 = p.g.kernel * p.g.kernel;
      const At d = element(first, k);
      if (!has(d)) return {p.w_data.data, 0};
      if constexpr (b == Along::mn)
        return {
            p.w_data.data + std::int64_t{d.c} * (kernel2 * p.out.shape.c) + (table.tap_w[d.tap] * p.out.shape.c + n0),
            1};
      const Scalar* const channel = p.w_data.data + std::int64_t{n0} * (kernel2 * p.in.shape.c);
      return {channel + (table.tap_w[d.tap] * p.in.shape.c + d.c), 1};
    }

    __device__ float* place(int row, int column) const {  // null: outside
      const int at = table.out[row];
      return at >= 0 && n0 + column < p.out.shape.c ? p.out.data + std::int64_t{at} * p.out.shape.c + n0 + column
                                                    : nullptr;
    }
    __device__ void store_part(int split, int row, int column, float4 v) const {
      if (const int at = table.out[row]; at >= 0 && n0 + column < p.out.shape.c)
        four(p.parts + std::int64_t{split} * p.out.shape.size(), at * p.out.shape.c + n0 + column) = v;
    }
    __device__ void store(int row, int column, float4 v) const {
      if (float* to = place(row, column)) store4(to, v, p.out.shape.c - n0 - column, p.whole);
    }
  };

  __device__ Block block(int m_tile, int n_block, Table& table) const {
    const int tid = static_cast<int>(threadIdx.x), group = n_block / n_tiles;
    const Axis ys = axis(group / group_w, group_h, out.shape.h, in.shape.h),
               xs = axis(group % group_w, group_w, out.shape.w, in.shape.w);
    const Axis::Taps rs = ys.taps(g.kernel), ts = xs.taps(g.kernel);
    const int taps = rs.count * ts.count, per_image = ys.count * xs.count, m_count = out.shape.n * per_image;
    if (tid < taps) {
      const int r = rs.first + tid / ts.count * rs.every, t = ts.first + tid % ts.count * ts.every;
      table.tap_in[tid] = (ys.at(r) * in.shape.w + xs.at(t)) * in.shape.c;
      table.tap_w[tid] = r * g.kernel + t;
    }
    if (tid < T::m) {
      const bool is = m_tile * T::m + tid < m_count;
      const int m = is ? m_tile * T::m + tid : 0, n = is ? m / per_image : 0, at = m - n * per_image,
                i = is ? at / xs.count : 0, j = at - i * xs.count;
      unsigned columns = 0, reach = 0;
      for (int t = 0; t < ts.count; ++t) columns |= unsigned{xs.inside(ts.first + t * ts.every, j)} << t;
      for (int r = 0; r < rs.count; ++r)
        if (ys.inside(rs.first + r * rs.every, i)) reach |= columns << r * ts.count;
      table.in[tid] = ((n * in.shape.h + i * ys.input_step) * in.shape.w + j * xs.input_step) * in.shape.c;
      table.out[tid] = is ? (n * out.shape.h + ys.origin + i * ys.step) * out.shape.w + xs.origin + j * xs.step : -1;
      table.reach[tid] = is ? reach : 0;
    }
    __syncthreads();
    const int left = m_count - m_tile * T::m;
    return {*this, table, taps, n_block % n_tiles * T::n, left < T::m ? left > 0 ? left : 0 : T::m};
  }

  // ---- the tile as a whole, where sums are wanted
  static constexpr std::size_t tile_shared = sizeof(float) * kKeptFloats<T> + sizeof(NormPart) * T::threads;
  HD bool keeps_tile() const { return moments.wanted() || gradient.wanted(); }
  HD int tiles() const { return m_tiles() * groups(); }  // with the same channels
  Needs tile_needs() const {
    const int sums = moments.wanted() ? moments.k.size() : gradient.k.size();
    return {.partial =
                sizeof(NormPart) / sizeof(float) * static_cast<std::size_t>(tiles()) * static_cast<std::size_t>(sums),
            .tickets = n_tiles};
  }
  __device__ void take_tile(const Block& block, int m_tile, int n_block, float* tile, const Scratch& scratch) const {
    const OutputTile of{.values = tile,
                        .pixels = block.table.out,
                        .channel = block.n0,
                        .number = n_block / n_tiles * m_tiles() + m_tile,
                        .count = tiles()};
    auto *sums = reinterpret_cast<NormPart*>(tile + kKeptFloats<T>),
         *partial = reinterpret_cast<NormPart*>(scratch.partial);
    unsigned* ticket = scratch.tickets + n_block % n_tiles;
    if (moments.wanted())
      add_tile<T>(moments, of, sums, partial, ticket);
    else
      add_tile<T>(gradient, of, sums, partial, ticket);
  }
};

// Only the sums, of an output that lies in memory: the bits that the convolution would have given.
template <class Problem>
struct SumsPass {
  using T = typename Problem::T;
  static constexpr int threads = T::threads, resident = 1;
  Problem problem;
  Grid grid;  // as the convolution's: tiles of m, blocks of n
  Scratch scratch;
  void use(Scratch s) { scratch = s; }

  __device__ void run(Place at) const {
    if (ForWarpgroups<T> && !kHasWarpgroups) return;
    DYN_SHARED(float, tile);
    SHARED(typename Problem::Table, table, [1]);
    const auto block = problem.block(at.x, at.y, table[0]);
    for (int i = static_cast<int>(threadIdx.x); i < T::m * T::n; i += T::threads) {
      const float* from = block.place(i / T::n, i % T::n);
      tile[kept_at<T>(i / T::n, i % T::n)] = from ? *from : 0.0f;
    }
    __syncthreads();
    problem.take_tile(block, at.x, at.y, tile, scratch);
  }
};

}  // namespace snag
