// Tensors as rows of channels. A vector of channels that are no multiple of kLanes is had by taking several pixels
// together: the pattern of channels then repeats every `length` elements, a whole number of vectors.
#if defined(SNAG_CHANNELS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_CHANNELS_INL_H
#undef SNAG_CHANNELS_INL_H
#else
#define SNAG_CHANNELS_INL_H
#endif

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

constexpr int kSums = 4;          // vectors that are summed side by side
constexpr int kCached = 1 << 13;  // elements of a chunk: a few operands of it stay in L1

// A tensor cut into chunks of whole patterns; the shape alone decides.
struct Chunks {
  Chunks(int all, int channels)
      : size(all),
        c(channels),
        length(std::lcm(c, kSums * kLanes)),
        step(std::max(1, kCached / length) * length),
        count((size + step - 1) / step) {}
  int begin(int chunk) const { return chunk * step; }
  int elements(int chunk) const { return std::min(step, size - begin(chunk)); }
  int size, c, length, step, count;
};

// Repeats the first c elements to the length of a pattern.
inline void repeat(const Chunks& chunks, real* p) {
  for (int j = chunks.c; j < chunks.length; ++j) p[j] = p[j - chunks.c];
}

// One value per channel, repeated.
template <class Value>
real* pattern(Scratch& scratch, const Chunks& chunks, const Value& value) {
  real* p = scratch.take<real>(static_cast<std::size_t>(chunks.length));
  for (int c = 0; c < chunks.c; ++c) p[c] = value(c);
  repeat(chunks, p);
  return p;
}

// sums[s * length + j] = sum over the elements e that are j in the pattern of term s, where
// terms(j, inputs at e, terms) makes the S terms of kLanes elements from those of the In inputs
template <int S, int In, class Terms>
HWY_INLINE void sum_patterns(const real* const (&in)[In], int size, int length, const Terms& terms, real* sums) {
  for (int j = 0; j < length; j += kSums * kLanes) {
    Vector sum[S][kSums], x[In], term[S];
#pragma GCC unroll 4
    for (int s = 0; s < S; ++s)
#pragma GCC unroll 4
      for (int v = 0; v < kSums; ++v) sum[s][v] = hn::Zero(Tag());
    int e = j;
    for (; e + kSums * kLanes <= size; e += length)
#pragma GCC unroll 4
      for (int v = 0; v < kSums; ++v) {
        for (int i = 0; i < In; ++i) x[i] = load(in[i] + e + v * kLanes);
        terms(j + v * kLanes, x, term);
        for (int s = 0; s < S; ++s) sum[s][v] = hn::Add(sum[s][v], term[s]);
      }
#pragma GCC unroll 4
    for (int v = 0; v < kSums; ++v)
      if (const int left = std::min(kLanes, size - e - v * kLanes); left > 0) {
        for (int i = 0; i < In; ++i) x[i] = load_part(in[i] + e + v * kLanes, left);
        terms(j + v * kLanes, x, term);
        const auto valid = hn::FirstN(Tag(), static_cast<std::size_t>(left));
        for (int s = 0; s < S; ++s) sum[s][v] = hn::Add(sum[s][v], hn::IfThenElseZero(valid, term[s]));
      }
#pragma GCC unroll 4
    for (int s = 0; s < S; ++s)
#pragma GCC unroll 4
      for (int v = 0; v < kSums; ++v) store(sum[s][v], sums + s * length + j + v * kLanes);
  }
}

// The sums of a pattern, channel by channel.
inline void fold(const real* sums, const Chunks& chunks, wide* channels) {
  for (int c = 0; c < chunks.c; ++c) channels[c] = 0;
  for (int j = 0; j < chunks.length; j += chunks.c)
    for (int c = 0; c < chunks.c; ++c) channels[c] += sums[j + c];
}

// fn(e, j, count) for stretches of at most a pattern: elements e .. e + count are j = 0 .. count in it.
template <class Fn>
HWY_INLINE void for_each_pattern(Cpu& cpu, const Chunks& chunks, const Fn& fn) {
  cpu.pool.parallel_for(chunks.count, [&](int chunk) {
    const int begin = chunks.begin(chunk), end = begin + chunks.elements(chunk);
    for (int e = begin; e < end; e += chunks.length) fn(e, std::min(chunks.length, end - e));
  });
}

// out[j] = fn(j, inputs at j) for j = 0 .. count, by vectors.
template <int In, class Fn>
HWY_INLINE void map_pattern(const real* const (&in)[In], int count, real* out, const Fn& fn) {
  Vector x[In];
  int j = 0;
  for (; j + kLanes <= count; j += kLanes) {
    for (int i = 0; i < In; ++i) x[i] = load(in[i] + j);
    store(fn(j, x), out + j);
  }
  if (j == count) return;
  for (int i = 0; i < In; ++i) x[i] = load_part(in[i] + j, count - j);
  alignas(64) real last[kLanes];
  store(fn(j, x), last);
  copy(out + j, last, count - j);
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
