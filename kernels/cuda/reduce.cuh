#pragma once
// Many sums at once: output o reduces the elements first(o) + t * term_stride, t = 0 .. terms. Sums per channel, per
// channel of a group of images, per image and over a whole tensor differ in where they begin and in the stride alone.
//
// A block takes `width` neighbouring outputs and a share of their terms. Its threads walk the share together, so that
// neighbours read neighbouring elements; then they combine what they found, in a tree. The block that comes last
// combines the shares. Thread sums are floats of some hundred terms, all that is combined is double, so the result is
// as good as the portable form's.
#include "kernels/cuda/last_block.cuh"
#include "kernels/cuda/work.cuh"

namespace snag {

constexpr int kReduceBlock = 256;

struct Terms {
  int outputs, terms, output_stride, term_stride;
  int per_group, group_stride = 0;  // outputs of a group; the next group begins group_stride further
  int width = 1, per_share = 1;     // set by launch_reduce
  HD int first(int o) const { return o / per_group * group_stride + o % per_group * output_stride; }
};

// What sums of N terms are combined as. All zero: of nothing.
template <int N>
struct Sums {
  double sum[N];
  __device__ void add(const Sums& b) {
    UNROLL
    for (int i = 0; i < N; ++i) sum[i] += b.sum[i];
  }
};

// Combines the parts of threads t, t + width, t + 2 width, ... of the block, a power of two, for t = 0 .. width; they
// are left in parts[t]. `parts` has one element a thread. Ends with a barrier.
template <int Block, class Part>
__device__ inline void combine(const Part& own, Part* parts, int width) {
  const int t = static_cast<int>(threadIdx.x);
  parts[t] = own;
  __syncthreads();
  for (int s = Block / 2; s >= width; s /= 2) {
    if (t < s) parts[t].add(parts[t + s]);
    __syncthreads();
  }
}

// Reduction:
//   Part                     trivial; zero is neutral; add(Part)
//   Walk walk(o, first)      begins the sums of one thread at element `first` (not one where there is none)
//   walk.add(i)              takes element i
//   walk.part()              what came of them
//   store(o, part)           takes the result of output o
template <class Reduction>
struct Reduce {
  static constexpr int threads = kReduceBlock, resident = 1;
  using Part = typename Reduction::Part;
  Reduction r;
  Terms g;
  Grid grid;  // tiles of `width` outputs, shares of their terms
  Scratch scratch;
  void use(Scratch s) { scratch = s; }
  static constexpr std::size_t shared = sizeof(Part) * kReduceBlock;

  __device__ void run(Place at) const {
    DYN_SHARED(Part, parts);
    const int lane = static_cast<int>(threadIdx.x) % g.width, row = static_cast<int>(threadIdx.x) / g.width,
              rows = kReduceBlock / g.width, o = at.x * g.width + lane;
    const int begin = at.y * g.per_share, end = begin + g.per_share < g.terms ? begin + g.per_share : g.terms;
    Part own{};
    if (o < g.outputs && begin + row < end) {
      const int first = g.first(o) + (begin + row) * g.term_stride;
      auto walk = r.walk(o, first);
      constexpr int at_once = 8;  // on their way
      const int step = rows * g.term_stride;
      int t = begin + row, i = first;
      for (; t + (at_once - 1) * rows < end; t += at_once * rows, i += at_once * step) {
        UNROLL
        for (int j = 0; j < at_once; ++j) walk.add(i + j * step);
      }
      for (; t < end; t += rows, i += step) walk.add(i);
      own = walk.part();
    }
    combine<kReduceBlock>(own, parts, g.width);

    if (grid.y > 1) {
      Part* tile = reinterpret_cast<Part*>(scratch.partial) + std::int64_t{at.x} * grid.y * g.width;
      if (row == 0) tile[at.y * g.width + lane] = parts[lane];
      if (!last_block(scratch.tickets + at.x, static_cast<unsigned>(grid.y))) return;
      own = Part{};
      for (int share = row; share < grid.y; share += rows) own.add(tile[share * g.width + lane]);
      combine<kReduceBlock>(own, parts, g.width);
    }
    if (row == 0 && o < g.outputs) r.store(o, parts[lane]);
  }
};

// The power of two that leaves fewest of 32 lanes idle: neighbours along outputs, or, where terms are neighbours, one.
inline int lanes_for(int count) {
  int width = 1;
  while (width < count && width < 32) width *= 2;
  return width;
}

template <class Reduction>
void launch_reduce(Cuda& cuda, const Reduction& reduction, Terms g,
                   std::source_location where = std::source_location::current()) {
  using Part = typename Reduction::Part;
  if (g.outputs == 0) return;
  g.width = g.term_stride == 1 ? 1 : lanes_for(g.outputs);
  const int tiles = ceil_div(g.outputs, g.width), rows = kReduceBlock / g.width;
  // Two blocks for each multiprocessor, of 16 terms a thread or more. To meet costs blocks 3.4 us (H200), in which a
  // thread alone takes some 40 terms.
  constexpr int alone = 48, least = 16;
  const int most = g.terms <= alone * rows ? 1 : g.terms / (least * rows);
  int shares = std::clamp(ceil_div(2 * cuda.multiprocessors, tiles), 1, most);
  const std::size_t part_floats = sizeof(Part) / sizeof(float),
                    per_share = part_floats * static_cast<std::size_t>(tiles) * static_cast<std::size_t>(g.width);
  if (tiles > kMostTickets || static_cast<std::size_t>(shares) * per_share > kMostPartial) shares = 1;
  g.per_share = std::max(1, ceil_div(g.terms, shares));
  const Grid grid{tiles, std::max(1, ceil_div(g.terms, g.per_share))};
  const Needs split{.partial = static_cast<std::size_t>(grid.y) * per_share, .tickets = tiles};
  Needs needs = grid.y > 1 ? split : Needs{};
  needs.shared = Reduce<Reduction>::shared;
  run(cuda, Reduce<Reduction>{.r = reduction, .g = g, .grid = grid, .scratch = {}}, needs, where);
}

// y[o] = scale * sum of x
struct PlainSum {
  using Part = Sums<1>;
  float* y;
  const float* x;
  double scale;
  struct Walk {
    const float* x;
    float sum;
    __device__ void add(int i) { sum += x[i]; }
    __device__ Part part() const { return {{sum}}; }
  };
  __device__ Walk walk(int, int) const { return {x, 0}; }
  __device__ void store(int o, const Part& all) const { y[o] = static_cast<float>(scale * all.sum[0]); }
};

struct SquaredSum {
  using Part = Sums<1>;
  LeastSquaresWithLogits k;
  struct Walk {
    const LeastSquaresWithLogits& k;
    float sum;
    __device__ void add(int i) {
      const float d = k.difference(i);
      sum += d * d;
    }
    __device__ Part part() const { return {{sum}}; }
  };
  __device__ Walk walk(int, int) const { return {k, 0}; }
  __device__ void store(int, const Part& all) const { *k.y.data = static_cast<float>(all.sum[0] / k.part()); }
};

// The sum over all elements.
inline Terms whole(Shape s) { return {1, s.size(), 0, 1, 1}; }
// The sum over a group's pixels, for each group and channel.
inline Terms per_channel(Shape s, int groups = 1) {
  return {groups * s.c, s.pixels() / groups, 1, s.c, s.c, s.size() / groups};
}
// The sum over its elements, for each image.
inline Terms per_image(Shape s) { return {s.n, s.image(), s.image(), 1, s.n}; }

}  // namespace snag
