// ConvUp to images of few channels: they would leave most lanes empty, so the pixels of a line lie in the lanes. Each
// line of small pixels first sends a value through every tap, then the big lines that have heard all of theirs collect.
#if defined(SNAG_IMAGE_UP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SNAG_IMAGE_UP_INL_H
#undef SNAG_IMAGE_UP_INL_H
#else
#define SNAG_IMAGE_UP_INL_H
#endif

#include <algorithm>
#include <cstddef>

#include "kernels/conv.h"
#include "kernels/cpu/bands.h"
#include "kernels/cpu/pack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snag::HWY_NAMESPACE {

constexpr int kSendTile = kManyRegisters ? 16 : 8;  // accumulators

struct ImageUp {
  int taps;             // kernel * kernel * channels of the big image
  int reach;            // small lines that one big line hears, and small pixels that one big pixel does
  int places;           // pixels of a small line, in whole vectors
  int collected;        // big pixels of one residue, in whole vectors
  int margin;           // zeros before a small line, in whole vectors
  int stride;           // of small lines with zeros on both sides: whole vectors, so that stores cross no cache line
  std::ptrdiff_t sent;  // elements that one small line sends
};

// What one thread needs.
struct ImageUpBuffers {
  real* sent;            // [small line % reach][tap][stride], pixel q at margin + q
  real* turned;          // [small channel][kLanes]: some pixels of a small line
  real* line;            // [x % stride][channel][collected]: a big line
  const real** streams;  // [reach * reach]
};

inline ImageUp image_up_sizes(const ConvUp& k) {
  const Shape big = k.big.shape;
  ImageUp s{};
  s.taps = k.g.kernel * k.g.kernel * big.c;
  s.reach = (k.g.kernel + k.g.stride - 1) / k.g.stride;
  s.places = (k.small.shape.w + kLanes - 1) / kLanes * kLanes;
  s.collected = ((big.w - 1) / k.g.stride + kLanes) / kLanes * kLanes;
  s.margin = (s.reach + kLanes - 1) / kLanes * kLanes;
  const int behind = (s.collected + (k.g.stride - 1 + k.g.pad) / k.g.stride + kLanes - 1) / kLanes * kLanes;
  s.stride = s.margin + std::max(s.places, behind);
  s.sent = static_cast<std::ptrdiff_t>(s.taps) * s.stride;
  return s;
}

// turned[o][q] = small[q][o] for `count` <= kLanes pixels, zeros for the others
inline void turn_pixels(const real* small, int channels, int count, real* turned) {
  int o = 0;
  if (count == kLanes)
    for (; o + kLanes <= channels; o += kLanes) transpose_square(small + o, channels, turned + o * kLanes);
  for (; o < channels; ++o)
    for (int q = 0; q < kLanes; ++q)
      turned[o * kLanes + q] = q < count ? small[static_cast<std::ptrdiff_t>(q) * channels + o] : real(0);
}

// sent[tap] = sum over o of w[o][tap] * turned[o] for T taps of kLanes pixels
template <int T>
HWY_INLINE void send_taps(const real* HWY_RESTRICT w, int taps, const real* HWY_RESTRICT turned, int channels,
                          real* HWY_RESTRICT sent, std::ptrdiff_t stride) {
  Vector sum[T];
#pragma GCC unroll 16
  for (int t = 0; t < T; ++t) sum[t] = hn::Zero(Tag());
  for (int o = 0; o < channels; ++o, w += taps, turned += kLanes) {
    const Vector pixels = load(turned);
#pragma GCC unroll 16
    for (int t = 0; t < T; ++t) sum[t] = hn::MulAdd(set(w[t]), pixels, sum[t]);
  }
#pragma GCC unroll 16
  for (int t = 0; t < T; ++t) store(sum[t], sent + t * stride);
}

inline void send_line(const ConvUp& k, const ImageUp& sizes, const real* small, const ImageUpBuffers& own, real* sent) {
  const int channels = k.small.shape.c;
  for (int q = 0; q < sizes.places; q += kLanes) {
    turn_pixels(small + static_cast<std::ptrdiff_t>(q) * channels, channels, std::min(kLanes, k.small.shape.w - q),
                own.turned);
    real* to = sent + sizes.margin + q;
    int t = 0;
    for (; t + kSendTile <= sizes.taps; t += kSendTile)
      send_taps<kSendTile>(k.w.data + t, sizes.taps, own.turned, channels, to + t * sizes.stride, sizes.stride);
    for (; t + 4 <= sizes.taps; t += 4)
      send_taps<4>(k.w.data + t, sizes.taps, own.turned, channels, to + t * sizes.stride, sizes.stride);
    for (; t < sizes.taps; ++t)
      send_taps<1>(k.w.data + t, sizes.taps, own.turned, channels, to + t * sizes.stride, sizes.stride);
  }
}

// line[i] = sum over streams of stream[i]; N = how many, or 0 where that is only known later
template <int N>
HWY_INLINE void add_streams(const real* const* streams, int count, int size, real* HWY_RESTRICT line) {
  const real* from[N > 0 ? N : 1];
  for (int j = 0; j < N; ++j) from[j] = streams[j];
  for (int i = 0; i < size; i += kLanes) {
    Vector sum = hn::Zero(Tag());
    if constexpr (N > 0) {
      sum = load(from[0] + i);
#pragma GCC unroll 4
      for (int j = 1; j < N; ++j) sum = hn::Add(sum, load(from[j] + i));
    } else {
      for (int j = 0; j < count; ++j) sum = hn::Add(sum, load(streams[j] + i));
    }
    store(sum, line + i);
  }
}

// Big line y with y + pad = heard * stride + residue hears tap row residue + j * stride of small line heard - j; its
// pixels x hear small pixels likewise.
inline void collect_line(const ConvUp& k, const ImageUp& sizes, const ImageUpBuffers& own, int heard, int residue) {
  const int kernel = k.g.kernel, stride = k.g.stride, channels = k.big.shape.c;
  for (int f = 0; f < stride; ++f) {
    const int first = (f + k.g.pad) / stride, first_tap = (f + k.g.pad) % stride;
    for (int c = 0; c < channels; ++c) {
      int count = 0;
      for (int p = heard, r = residue; p >= 0 && r < kernel; --p, r += stride) {
        if (p >= k.small.shape.h) continue;
        const real* sent = own.sent + p % sizes.reach * sizes.sent + sizes.margin + first;
        for (int j = 0, t = first_tap; t < kernel; ++j, t += stride)
          own.streams[count++] = sent + static_cast<std::ptrdiff_t>((r * kernel + t) * channels + c) * sizes.stride - j;
      }
      real* line = own.line + static_cast<std::ptrdiff_t>(f * channels + c) * sizes.collected;
      if (count == 4)
        add_streams<4>(own.streams, count, sizes.collected, line);
      else
        add_streams<0>(own.streams, count, sizes.collected, line);
    }
  }
}

// to[x][c] = line[x % stride][c][x / stride]
inline void interleave_line(const ConvUp& k, const ImageUp& sizes, const real* line, real* to) {
  const int stride = k.g.stride, channels = k.big.shape.c, width = k.big.shape.w;
  int x = 0;
#if HWY_TARGET != HWY_SCALAR
  if (stride == 2 && channels == 1)
    for (; x + 2 * kLanes <= width; x += 2 * kLanes)
      hn::StoreInterleaved2(load(line + x / 2), load(line + sizes.collected + x / 2), Tag(), to + x);
#endif
  for (; x < width; ++x)
    for (int c = 0; c < channels; ++c)
      to[x * channels + c] = line[(x % stride * channels + c) * sizes.collected + x / stride];
}

// Lines of the band, counted as small lines and their padding: `stride` big lines for each.
inline void image_up_band(const ConvUp& k, const ImageUp& sizes, const ImageUpBuffers& own, Band band) {
  const Shape big = k.big.shape, small = k.small.shape;
  for (int heard = std::max(0, band.begin - sizes.reach + 1); heard < band.end; ++heard) {
    if (heard < small.h)
      send_line(k, sizes, k.small.data + (static_cast<std::ptrdiff_t>(band.n) * small.h + heard) * small.w * small.c,
                own, own.sent + heard % sizes.reach * sizes.sent);
    if (heard < band.begin) continue;
    for (int residue = 0; residue < k.g.stride; ++residue) {
      const int y = heard * k.g.stride + residue - k.g.pad;
      if (y < 0 || y >= big.h) continue;
      collect_line(k, sizes, own, heard, residue);
      interleave_line(k, sizes, own.line,
                      k.big.data + (static_cast<std::ptrdiff_t>(band.n) * big.h + y) * big.w * big.c);
    }
  }
}

inline void image_up(Cpu& cpu, Scratch& scratch, const ConvUp& k) {
  const ImageUp sizes = image_up_sizes(k);
  const auto sent = static_cast<std::size_t>(sizes.reach * sizes.sent);
  ImageUpBuffers* own = scratch.take<ImageUpBuffers>(static_cast<std::size_t>(cpu.pool.threads()));
  for (int t = 0; t < cpu.pool.threads(); ++t) {
    own[t] = {scratch.take<real>(sent), scratch.take<real>(static_cast<std::size_t>(k.small.shape.c) * kLanes),
              scratch.take<real>(static_cast<std::size_t>(k.g.stride * k.big.shape.c) *
                                 static_cast<std::size_t>(sizes.collected)),
              scratch.take<const real*>(static_cast<std::size_t>(sizes.reach * sizes.reach))};
    std::fill_n(own[t].sent, sent, real(0));
  }
  const Bands bands(k.big.shape.n, (k.big.shape.h - 1 + k.g.pad) / k.g.stride + 1, cpu.pool.threads());
  cpu.pool.parallel_for(bands.count(),
                        [&](int task, int thread) { image_up_band(k, sizes, own[thread], bands[task]); });
}

}  // namespace snag::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
