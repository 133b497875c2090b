#pragma once
#include "kernels/cuda/fours.cuh"
#include "kernels/cuda/work.cuh"

namespace snag {

// Weights of a convolution, which lie [small channel][tap][big channel], as [big channel][tap][small channel]. Both
// counts of channels are multiples of four: a thread turns a square of four by four, and threads of a warp read
// stretches of 128 bytes and write such of 64.
struct TurnWeights {
  static constexpr int threads = 256, resident = 2;
  static constexpr int big_squares = 8, small_squares = threads / big_squares;  // of a block's turn
  ConstView w;
  float* turned;
  Grid grid;

  HD int tiles_of_big() const { return ceil_div(w.shape.c, 4 * big_squares); }
  HD int tiles_of_tap() const { return tiles_of_big() * ceil_div(w.shape.n, 4 * small_squares); }
  HD int tiles() const { return tiles_of_tap() * w.shape.h * w.shape.w; }

  __device__ void run(Place at) const {
    const int tid = static_cast<int>(threadIdx.x), taps = w.shape.h * w.shape.w;
    for (int tile = at.x; tile < tiles(); tile += grid.x) {
      const int tap = tile / tiles_of_tap(), of_tap = tile % tiles_of_tap();
      const int c = 4 * (of_tap % tiles_of_big() * big_squares + tid % big_squares),
                o = 4 * (of_tap / tiles_of_big() * small_squares + tid / big_squares);
      if (c >= w.shape.c || o >= w.shape.n) continue;
      float4 x[4];
      UNROLL
      for (int j = 0; j < 4; ++j) x[j] = four(w.data, ((o + j) * taps + tap) * w.shape.c + c);
      const auto store = [&](int j, float4 v) { four(turned, ((c + j) * taps + tap) * w.shape.n + o) = v; };
      store(0, make_float4(x[0].x, x[1].x, x[2].x, x[3].x));
      store(1, make_float4(x[0].y, x[1].y, x[2].y, x[3].y));
      store(2, make_float4(x[0].z, x[1].z, x[2].z, x[3].z));
      store(3, make_float4(x[0].w, x[1].w, x[2].w, x[3].w));
    }
  }
};

// Microseconds that it takes, estimated: a work more, and memory read and written at the rate of a copy.
inline double turning_time(Shape w) {
  constexpr double kWork = 1.5, kFloats = 0.5e6;  // in a microsecond, each read and written
  return kWork + w.size() / kFloats;
}

// Where w lies so, in memory of the step: made by a work before, or by one that this adds.
const float* turned_weights(Cuda&, ConstView w);

}  // namespace snag
