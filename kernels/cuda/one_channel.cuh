#pragma once
#include "kernels/cuda/bf16.cuh"
#include "kernels/cuda/image_pairs.cuh"
#include "kernels/cuda/last_block.cuh"

namespace snag {

struct ImageDown {
  static constexpr int threads = kImageBlock, resident = 2;
  ConvDown k;
  LeakyRelu then{};  // of what it computes; none without an output
  Raster pairs;
  Crew crew;
  Grid grid;  // shares of the pairs, tiles of channels
  Bf16Copy also{};
  View output() const { return then.y.data ? then.y : k.small; }
  __device__ void run(Place at) const {
    DYN_SHARED(float, staged);
    const Shape small = k.small.shape;
    const int first = at.y * crew.channels(), o = first + 4 * crew.lane();
    Pair i(pairs, crew.first_pair(at.x));
    float image[4][6];
    load_rows(i, image);  // on their way while the taps come
    float4 taps[kImageTaps];
    load_taps(k.w.data, small.c, first, crew, staged, taps);
    if (o >= small.c) return;
    for (int j = 0; i.n < small.n;) {
      float4 sum[2] = {};
      UNROLL
      for (int tap = 0; tap < kImageTaps; ++tap) {
        fma_four(image[tap / 4][tap % 4], taps[tap], sum[0]);
        fma_four(image[tap / 4][tap % 4 + 2], taps[tap], sum[1]);
      }
      const int to = ((i.n * small.h + i.p) * small.w + i.q) * small.c + o;
      store(to, sum[0]);
      if (i.q + 1 < small.w) store(to + small.c, sum[1]);
      if (++j == crew.each) return;
      i.next(small.h, small.w);
      load_rows(i, image);
    }
  }

 private:
  __device__ void load_rows(Pair at, float (&image)[4][6]) const {
    UNROLL
    for (int r = 0; r < 4; ++r) load_row(k.big, at, r, image[r]);
  }
  __device__ void store(int i, float4 x) const {
    store_four(k.small.data, then.y.data ? Bf16Copy{} : also, i, x);
    if (then.y.data)
      store_four(then.y.data, also, i,
                 {then.value_of(x.x), then.value_of(x.y), then.value_of(x.z), then.value_of(x.w)});
  }
};

// Corner (p, q), p = 0 .. h, q = 0 .. w, has the four outputs (2p-1 or 2p, 2q-1 or 2q) that hear small pixels (p-1 or
// p, q-1 or q), each through a tap of its own. A crew goes over pairs of corners, keeps the pixels that the next pair
// hears too, and adds the eight sums of its threads. Channels beyond one crew's are added in rounds.
struct ImageUp {
  static constexpr int threads = kImageBlock, resident = 2;
  ConvUp k;
  Raster pairs;  // of corners
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
      const int o = first + 4 * lane, rows = k.small.shape.h + 1, columns = k.small.shape.w + 1;
      Pair i(pairs, crew.first_pair(at.x));
      float4 s[2][3];
      for (int r = 0; r < 2; ++r) s[r][2] = pixel(i, r, 0, o);
      step(i, o, s);  // on their way while the taps come
      if (first > 0) __syncthreads();
      float4 taps[kImageTaps];
      load_taps(k.w.data, k.small.shape.c, first, crew, staged, taps);
      for (int j = 0;;) {
        float sums[outputs];
        multiply(s, taps, sums);
        store(i, lane, add_lanes(sums, lane, crew.width()), first > 0);
        if (++j == crew.each) break;
        i.next(rows, columns);
        step(i, o, s);
      }
    }
  }

 private:
  // To the pixels of the next pair of corners.
  __device__ void step(Pair to, int o, float4 (&s)[2][3]) const {
    UNROLL
    for (int r = 0; r < 2; ++r) {
      s[r][0] = s[r][2];  // beyond a row's end zeros, as before the next one's begin
      s[r][1] = pixel(to, r, 1, o);
      s[r][2] = pixel(to, r, 2, o);
    }
  }
  __device__ void store(Pair at, int lane, float sum, bool adds) const {
    const Shape big = k.big.shape;
    const int output = output_of(lane), y = 2 * at.p - 1 + output / 4, x = 2 * at.q - 1 + output % 4;
    if (lane >= outputs || at.n >= big.n || y < 0 || y >= big.h || x < 0 || x >= big.w) return;
    float& to = k.big.data[(at.n * big.h + y) * big.w + x];
    to = adds ? to + sum : sum;
  }
};

// A block has a tile of channels and of rows of taps, and a share of the pairs; a thread four channels of one row, so
// that it can have many pairs on their way. Threads of the same channels and taps add what they found within their
// warp, by halves, then warp by warp. Where the pairs are few a block takes all of them, and nothing is left to add;
// else the block that comes last of those with the same tile adds their shares.
struct ImageWeight {
  static constexpr int threads = kImageBlock, resident = 2;
  static constexpr int at_once = 4;  // pairs on their way
  static constexpr int own = 16;     // sums of a thread: [tap of the row][channel]
  static constexpr int most = 8;     // threads side by side whose channels or rows differ
  static constexpr std::size_t shared = sizeof(float) * own * most * kImageBlock / 32;
  ConvWeight k;
  Raster pairs;
  Crew crew;  // one row of taps each
  Grid grid;  // tiles of channels, of rows of taps, shares of the pairs
  Scratch scratch;
  void use(Scratch s) { scratch = s; }

  HD int sums() const { return own << crew.bits(); }  // of a tile, [thread][tap of the row][channel]
  Needs needs() const {
    const int tiles = grid.x * grid.y;
    if (grid.z == 1) return {.shared = shared};
    return {.shared = shared, .partial = static_cast<std::size_t>(tiles * grid.z * sums()), .tickets = tiles};
  }

  __device__ void run(Place at) const {
    DYN_SHARED(float, staged);
    const int tid = static_cast<int>(threadIdx.x), size = sums();
    float sum[own] = {};
    add_share(at, sum);
    leave(sum, staged);
    __syncthreads();
    float all = 0;
    if (tid < size)
      for (int warp = 0; warp < kImageBlock / 32; ++warp) all += staged[warp * size + tid];
    if (grid.z > 1) {
      const int tile = at.y * grid.x + at.x;
      float* const shares = scratch.partial + tile * grid.z * size;
      if (tid < size) shares[at.z * size + tid] = all;
      if (!last_block(scratch.tickets + tile, static_cast<unsigned>(grid.z))) return;
      all = add_shares(shares, staged);
    }
    if (tid < size) store(at, tid, all);
  }

 private:
  struct Pixels {
    float4 left, right;
    float image[6];
  };
  // Channels o .. o + 3 of the pair's pixels, and what the row of taps sees.
  __device__ void load(Pair at, int o, int row, Pixels& x) const {
    const Shape s = k.small.shape;
    const float* const left = k.small.data + ((at.n * s.h + at.p) * s.w + at.q) * s.c + o;
    const bool inside = at.n < s.n && o < s.c;
    x.left = inside ? four(left, 0) : make_float4(0, 0, 0, 0);
    x.right = inside && at.q + 1 < s.w ? four(left, s.c) : make_float4(0, 0, 0, 0);
    load_row(k.big, at, row, x.image);
  }
  __device__ int channel(Place at, int lane) const { return at.x * crew.channels() + 4 * lane; }

  // Neighbouring crews have neighbouring pairs.
  __device__ void add_share(Place at, float (&sum)[own]) const {
    const int o = channel(at, crew.lane()), row = at.y * crew.parts() + crew.part(), crews = crew.crews(),
              first = at.z * crews * crew.each + crew.number();
    LOOP for (int j = 0; j < crew.each; j += at_once) {
      Pixels x[at_once];
      UNROLL
      for (int i = 0; i < at_once; ++i) load(Pair(pairs, first + (j + i) * crews), o, row, x[i]);
      UNROLL
      for (const Pixels& pair : x) {
        UNROLL
        for (int t = 0; t < 4; ++t) add_tap(pair, t, sum + 4 * t);
      }
    }
  }
  __device__ static void add_tap(const Pixels& x, int t, float* sum) {
    const float a = x.image[t], b = x.image[t + 2];
    sum[0] = fmaf(b, x.right.x, fmaf(a, x.left.x, sum[0]));
    sum[1] = fmaf(b, x.right.y, fmaf(a, x.left.y, sum[1]));
    sum[2] = fmaf(b, x.right.z, fmaf(a, x.left.z, sum[2]));
    sum[3] = fmaf(b, x.right.w, fmaf(a, x.left.w, sum[3]));
  }

  // Lanes 2 Half apart give each other half of the 2 Half sums that they still have, and add; then those nearer.
  template <int Half>
  __device__ static void halve(float (&sum)[own], int lane, int apart) {
    constexpr int distance = 2 * Half;
    if (distance >= apart) {
      UNROLL
      for (int i = 0; i < Half; ++i) {
        const float low = sum[i], high = sum[i + Half];
        const float received = __shfl_xor_sync(0xffffffffu, lane & distance ? low : high, distance);
        sum[i] = (lane & distance ? high : low) + received;
      }
    }
    if constexpr (Half > 1) halve<Half / 2>(sum, lane, apart);
  }
  // Adds over the warp's threads that have the same channels and taps, and leaves their sums, [warp][sum of the tile].
  __device__ void leave(float (&sum)[own], float* staged) const {
    const int tid = static_cast<int>(threadIdx.x), lane = tid % 32, bits = crew.bits(), apart = 1 << bits;
    halve<own / 2>(sum, lane, apart);
    if (apart == 1) sum[0] += __shfl_xor_sync(0xffffffffu, sum[0], 1);
    if (apart == 1 && lane % 2 == 1) return;
    const int left = apart > 2 ? apart / 2 : 1, thread = lane & (apart - 1), first = (lane - thread) / 2;
    float* const to = staged + tid / 32 * sums() + thread * own + first;
    UNROLL
    for (int i = 0; i < most / 2; ++i)
      if (i < left) to[i] = sum[i];
  }

  // Of sum number `tid`, where there is one; as many groups of threads as there is room for go over the shares.
  __device__ float add_shares(const float* shares, float* staged) const {
    constexpr int loads = 16;  // on their way
    const int tid = static_cast<int>(threadIdx.x), size = sums(), groups = (kImageBlock / own) >> crew.bits(),
              sum = tid & (size - 1), group = tid / own >> crew.bits();
    float all = 0;
    LOOP for (int first = group; first < grid.z; first += loads * groups) {
      float x[loads];
      UNROLL
      for (int j = 0; j < loads; ++j) {
        const int share = first + j * groups;
        x[j] = share < grid.z ? shares[share * size + sum] : 0.0f;
      }
      UNROLL
      for (int j = 0; j < loads; ++j) all += x[j];
    }
    staged[tid] = all;
    __syncthreads();
    for (int g = 1; g < groups && tid < size; ++g) all += staged[g * size + tid];
    return all;
  }

  __device__ void store(Place at, int i, float x) const {
    const int thread = i / own, tap = i % own / 4, o = channel(at, crew.lane(thread)) + i % 4,
              row = at.y * crew.parts() + crew.part(thread);
    if (o < k.small.shape.c) k.dw.data[o * kImageTaps + 4 * row + tap] = x;
  }
};

}  // namespace snag
