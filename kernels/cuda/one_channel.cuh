#pragma once
#include "kernels/cuda/image_pairs.cuh"
#include "kernels/cuda/last_block.cuh"

namespace snag {

struct ImageDown {
  static constexpr int threads = kImageBlock, resident = 2;
  ConvDown k;
  Crew crew;
  Grid grid;  // shares of the pairs, tiles of channels
  __device__ void run(Place at) const {
    DYN_SHARED(float, staged);
    const int first = at.y * crew.channels(), o = first + 4 * crew.lane();
    float4 taps[kImageTaps];
    load_taps(k.w.data, k.small.shape.c, first, crew, staged, taps);
    const Shape small = k.small.shape;
    if (o >= small.c) return;
    Pair i(crew.first_pair(at.x), small.h, small.w);
    for (int j = 0; j < crew.each && i.n < small.n; ++j, i.next(small.h, small.w)) {
      float4 sum[2] = {};
      UNROLL
      for (int r = 0; r < 4; ++r) {
        float row[6];
        load_row(k.big, i, r, row);
        UNROLL
        for (int t = 0; t < 4; ++t) {
          fma_four(row[t], taps[4 * r + t], sum[0]);
          fma_four(row[t + 2], taps[4 * r + t], sum[1]);
        }
      }
      float* const to = k.small.data + ((i.n * small.h + i.p) * small.w + i.q) * small.c + o;
      four(to, 0) = sum[0];
      if (i.q + 1 < small.w) four(to, small.c) = sum[1];
    }
  }
};

// Corner (p, q), p = 0 .. h, q = 0 .. w, has the four outputs (2p-1 or 2p, 2q-1 or 2q) that hear small pixels (p-1 or
// p, q-1 or q), each through a tap of its own. A crew goes over pairs of corners, keeps the pixels that the next pair
// hears too, and adds the eight sums of its threads. Channels beyond one crew's are added in rounds.
struct ImageUp {
  static constexpr int threads = kImageBlock, resident = 2;
  ConvUp k;
  Crew crew;
  Grid grid;                         // shares of the pairs
  static constexpr int outputs = 8;  // of a pair: two rows of four

  // Channels o .. o + 3 of small pixel (p - 1 + r, q - 1 + c).
  __device__ float4 pixel(Pair at, int r, int c, int o) const {
    const Shape s = k.small.shape;
    const int p = at.p - 1 + r, q = at.q - 1 + c;
    const bool inside = at.n < s.n && o < s.c && p >= 0 && p < s.h && q >= 0 && q < s.w;
    return inside ? four(k.small.data, ((at.n * s.h + p) * s.w + q) * s.c + o) : make_float4(0, 0, 0, 0);
  }

  __device__ static void multiply(const float4 (&s)[2][3], const float4 (&taps)[kImageTaps], float (&sum)[outputs]) {
    UNROLL
    for (int i = 0; i < outputs; ++i) {
      const int y = i / 4, x = i % 4;
      sum[i] = 0;
      UNROLL
      for (int j = 0; j < 4; ++j) {
        const float4 a = s[j / 2][x / 2 + j % 2], w = taps[(y + 2 - j / 2 * 2) * 4 + x % 2 + 2 - j % 2 * 2];
        sum[i] = fmaf(a.w, w.w, fmaf(a.z, w.z, fmaf(a.y, w.y, fmaf(a.x, w.x, sum[i]))));
      }
    }
  }

  // Adds up the sums of `width` lanes, at least eight. Lane l is left with sum number output_of(l): each time, half of
  // those that a lane still has go to its partner for the other half.
  __device__ static float add_lanes(float (&sum)[outputs], int lane, int width) {
    UNROLL
    for (int half = outputs / 2; half > 0; half /= 2) {
      const int distance = outputs / 2 / half;
      UNROLL
      for (int i = 0; i < half; ++i) {
        const float low = sum[i], high = sum[i + half];
        const float received = __shfl_xor_sync(0xffffffffu, lane & distance ? low : high, distance);
        sum[i] = (lane & distance ? high : low) + received;
      }
    }
    for (int distance = outputs; distance < width; distance *= 2)
      sum[0] += __shfl_xor_sync(0xffffffffu, sum[0], distance);
    return sum[0];
  }
  __device__ static int output_of(int lane) { return (lane & 1) * 4 + (lane & 2) + (lane >> 2 & 1); }

  __device__ void run(Place at) const {
    DYN_SHARED(float, staged);
    const int lane = crew.lane();
    for (int first = 0; first < k.small.shape.c; first += crew.channels()) {
      if (first > 0) __syncthreads();
      float4 taps[kImageTaps];
      load_taps(k.w.data, k.small.shape.c, first, crew, staged, taps);
      const int o = first + 4 * lane, rows = k.small.shape.h + 1, columns = k.small.shape.w + 1;
      Pair i(crew.first_pair(at.x), rows, columns);
      float4 s[2][3] = {};
      for (int r = 0; r < 2; ++r) s[r][2] = pixel(i, r, 0, o);
      for (int j = 0; j < crew.each; ++j, i.next(rows, columns)) {
        UNROLL
        for (int r = 0; r < 2; ++r) {
          s[r][0] = i.q > 0 ? s[r][2] : make_float4(0, 0, 0, 0);
          s[r][1] = pixel(i, r, 1, o);
          s[r][2] = pixel(i, r, 2, o);
        }
        float sums[outputs];
        multiply(s, taps, sums);
        store(i, lane, add_lanes(sums, lane, crew.width), first > 0);
      }
    }
  }

 private:
  __device__ void store(Pair at, int lane, float sum, bool adds) const {
    const Shape big = k.big.shape;
    const int output = output_of(lane), y = 2 * at.p - 1 + output / 4, x = 2 * at.q - 1 + output % 4;
    if (lane >= outputs || at.n >= big.n || y < 0 || y >= big.h || x < 0 || x >= big.w) return;
    float& to = k.big.data[(at.n * big.h + y) * big.w + x];
    to = adds ? to + sum : sum;
  }
};

// A block adds up a share of the pairs, half of the taps a thread; its crews' sums are added in their order. Blocks add
// their shares in teams, and teams theirs, each time by the block that comes last: a single one would be long over
// hundreds of shares.
struct ImageWeight {
  static constexpr int threads = kImageBlock, resident = 3;
  static constexpr int parts = 2, rows = 4 / parts;  // of taps
  ConvWeight k;
  Crew crew;
  Grid grid;  // shares of the pairs, tiles of channels
  int team;   // blocks
  Scratch scratch;
  void use(Scratch s) { scratch = s; }
  static constexpr std::size_t shared = sizeof(float4) * 4 * kImageBlock;  // a row of taps of each thread

  HD int teams() const { return ceil_div(grid.x, team); }
  HD int sums() const { return kImageTaps * crew.channels(); }  // of a tile, [tap][o]
  Needs needs() const {
    return {.shared = shared,
            .partial = static_cast<std::size_t>(grid.y * (grid.x + teams())) * static_cast<std::size_t>(sums()),
            .tickets = grid.y * (1 + teams())};
  }

  __device__ void run(Place at) const {
    const int first = at.y * crew.channels();
    float* const shares = scratch.partial + at.y * (grid.x + teams()) * sums();
    float* const of_teams = shares + grid.x * sums();
    unsigned* const tickets = scratch.tickets + at.y * (1 + teams());
    add_share(at.x, first, shares + at.x * sums());

    const int own = at.x / team, begin = own * team, size = begin + team < grid.x ? team : grid.x - begin;
    if (!last_block(tickets + 1 + own, static_cast<unsigned>(size))) return;
    if (teams() == 1) return add_arrays(shares, size, [&](int i, float4 x) { store(first, i, x); });
    add_arrays(shares + begin * sums(), size, [&](int i, float4 x) { four(of_teams, own * sums() + i) = x; });
    if (!last_block(tickets, static_cast<unsigned>(teams()))) return;
    add_arrays(of_teams, teams(), [&](int i, float4 x) { store(first, i, x); });
  }

 private:
  // Channels o .. o + 3 of the pair's pixels.
  struct Pixels {
    float4 left, right;
  };
  __device__ Pixels pixels(Pair at, int o) const {
    const Shape s = k.small.shape;
    const float* const left = k.small.data + ((at.n * s.h + at.p) * s.w + at.q) * s.c + o;
    const bool inside = at.n < s.n && o < s.c;
    return {inside ? four(left, 0) : make_float4(0, 0, 0, 0),
            inside && at.q + 1 < s.w ? four(left, s.c) : make_float4(0, 0, 0, 0)};
  }

  __device__ void add_share(int share, int first, float* to) const {
    float4 sum[rows][4] = {};
    const Shape small = k.small.shape;
    const int o = first + 4 * crew.lane(), row = rows * crew.part();
    Pair i(crew.first_pair(share), small.h, small.w);
    Pixels next = pixels(i, o);  // on their way while the ones before are added
    for (int j = 0; j < crew.each && i.n < small.n; ++j) {
      const Pixels now = next;
      const Pair here = i;
      i.next(small.h, small.w);
      if (j + 1 < crew.each) next = pixels(i, o);
      UNROLL
      for (int r = 0; r < rows; ++r) {
        float image[6];
        load_row(k.big, here, row + r, image);
        UNROLL
        for (int t = 0; t < 4; ++t) {
          fma_four(image[t], now.left, sum[r][t]);
          fma_four(image[t + 2], now.right, sum[r][t]);
        }
      }
    }
    UNROLL
    for (int r = 0; r < rows; ++r) {
      if (r > 0) __syncthreads();
      add_crews(sum[r], to + 4 * r * crew.channels());
    }
  }

  // Of a row of taps of each part, `rows` apart.
  __device__ void add_crews(const float4 (&sum)[4], float* to) const {
    DYN_SHARED(float4, sums);  // [tap][crew][part][lane]
    const int tid = static_cast<int>(threadIdx.x), channels = crew.channels(), size = parts * channels;
    UNROLL
    for (int t = 0; t < 4; ++t) sums[t * kImageBlock + tid] = sum[t];
    __syncthreads();
    for (int i = tid; i < 4 * size; i += kImageBlock) {
      const int tap = i / size, part = i % size / channels;
      const float* const own = reinterpret_cast<const float*>(sums + tap * kImageBlock) + i % size;
      float s = 0;
      for (int c = 0; c < crew.crews(); ++c) s += own[c * size];
      to[(4 * rows * part + tap) * channels + i % channels] = s;
    }
  }

  // The sum of `count` arrays of sums(), one after the other, four elements at a time to `give`. Many loads are on
  // their way at once: nothing else goes on then.
  template <class Give>
  __device__ void add_arrays(const float* arrays, int count, Give give) const {
    constexpr int at_once = 10;
    const int size = sums();
    for (int i = 4 * static_cast<int>(threadIdx.x); i < size; i += 4 * kImageBlock) {
      float4 s = make_float4(0, 0, 0, 0);
      for (int a = 0; a < count; a += at_once) {
        float4 x[at_once];
        UNROLL
        for (int j = 0; j < at_once; ++j)
          x[j] = a + j < count ? four(arrays, (a + j) * size + i) : make_float4(0, 0, 0, 0);
        UNROLL
        for (int j = 0; j < at_once; ++j) fma_four(1, x[j], s);
      }
      give(i, s);
    }
  }

  __device__ void store(int first, int i, float4 x) const {
    const int tap = i / crew.channels(), o = first + i % crew.channels();
    if (o >= k.small.shape.c) return;
    float* const to = k.dw.data + o * kImageTaps + tap;
    to[0] = x.x, to[kImageTaps] = x.y, to[2 * kImageTaps] = x.z, to[3 * kImageTaps] = x.w;
  }
};

}  // namespace snag
