#pragma once
// Many sums at once: output o reduces the elements first(o) + t * term_stride, t = 0 .. terms. Sums per channel, per
// channel of a group of images, per image and over a whole tensor differ in where they begin and in the stride alone.
//
// A block takes `width` neighbouring outputs and a share of their terms. Its threads walk the share together, so that
// neighbours read neighbouring elements; then they combine what they found, in a tree. The block that comes last
// combines the shares. Thread sums are floats of some hundred terms, all that is combined is double, so the result is
// as good as the portable form's.
#include <algorithm>

#include "kernels/cuda/cuda.h"
#include "kernels/cuda/last_block.cuh"

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
__global__ void __launch_bounds__(kReduceBlock)
    reduce(Reduction r, Terms g, typename Reduction::Part* partial, unsigned* tickets) {
  using Part = typename Reduction::Part;
  SHARED(Part, parts, [kReduceBlock]);
  const int lane = static_cast<int>(threadIdx.x) % g.width, row = static_cast<int>(threadIdx.x) / g.width,
            rows = kReduceBlock / g.width, o = static_cast<int>(blockIdx.x) * g.width + lane;
  const int begin = static_cast<int>(blockIdx.y) * g.per_share,
            end = begin + g.per_share < g.terms ? begin + g.per_share : g.terms;
  Part own{};
  if (o < g.outputs && begin + row < end) {
    const int first = g.first(o) + (begin + row) * g.term_stride;
    auto walk = r.walk(o, first);
    for (int t = begin + row, i = first; t < end; t += rows, i += rows * g.term_stride) walk.add(i);
    own = walk.part();
  }
  combine<kReduceBlock>(own, parts, g.width);

  if (gridDim.y > 1) {
    Part* tile = partial + std::size_t{blockIdx.x} * gridDim.y * static_cast<unsigned>(g.width);
    if (row == 0) tile[static_cast<int>(blockIdx.y) * g.width + lane] = parts[lane];
    if (!last_block(tickets + blockIdx.x, gridDim.y)) return;
    own = Part{};
    for (int share = row; share < static_cast<int>(gridDim.y); share += rows) own.add(tile[share * g.width + lane]);
    combine<kReduceBlock>(own, parts, g.width);
  }
  if (row == 0 && o < g.outputs) r.store(o, parts[lane]);
}

// The power of two that leaves fewest of 32 lanes idle: neighbours along outputs, or, where terms are neighbours, one.
inline int lanes_for(int count) {
  int width = 1;
  while (width < count && width < 32) width *= 2;
  return width;
}

template <class Reduction>
void launch_reduce(Cuda& cuda, const Reduction& reduction, Terms g) {
  using Part = typename Reduction::Part;
  if (g.outputs == 0) return;
  g.width = g.term_stride == 1 ? 1 : lanes_for(g.outputs);
  const int tiles = ceil_div(g.outputs, g.width), rows = kReduceBlock / g.width;
  // Two blocks for each multiprocessor, of four terms a thread or more.
  int shares = std::clamp(ceil_div(2 * cuda.multiprocessors, tiles), 1, std::max(1, g.terms / (4 * rows)));
  const std::size_t room = cuda.workspace_floats * sizeof(float) / sizeof(Part),
                    per_share = static_cast<std::size_t>(tiles) * static_cast<std::size_t>(g.width);
  if (tiles > kTickets || static_cast<std::size_t>(shares) * per_share > room) shares = 1;
  g.per_share = std::max(1, ceil_div(g.terms, shares));
  const dim3 grid(static_cast<unsigned>(tiles), static_cast<unsigned>(std::max(1, ceil_div(g.terms, g.per_share))));
  launch(reduce<Reduction>, grid, dim3(kReduceBlock), 0, cuda.stream, reduction, g,
         reinterpret_cast<Part*>(cuda.workspace), cuda.tickets);
}

// The sum over all elements.
inline Terms whole(Shape s) { return {1, s.size(), 0, 1, 1}; }
// The sum over a group's pixels, for each group and channel.
inline Terms per_channel(Shape s, int groups = 1) {
  return {groups * s.c, s.pixels() / groups, 1, s.c, s.c, s.size() / groups};
}
// The sum over its elements, for each image.
inline Terms per_image(Shape s) { return {s.n, s.image(), s.image(), 1, s.n}; }

}  // namespace snag
