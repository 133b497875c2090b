#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "data/parallel.h"

namespace snag {

// Summed in the order of the dot products below, so that a point's distance to itself is exactly 0.
inline float squared_norm(const float* x, std::size_t dim) {
  float sum = 0;
  for (std::size_t d = 0; d < dim; ++d) sum += x[d] * x[d];
  return sum;
}

struct Points {
  std::span<const float> values;  // [n, dim]
  int n;
  std::size_t dim;
  std::vector<float> norm;  // [n] |x|^2

  const float* operator[](int i) const { return values.data() + static_cast<std::size_t>(i) * dim; }
};

// Squared distances from points to a few centres, the inner loop of k-means. The centres lie in blocks of `lanes`
// centres, [dim, lanes] each; the last one is filled up with zeros, whose distances mean nothing.
class CentreTable {
 public:
  static constexpr std::size_t points = 4;             // taken at a time
  static constexpr std::size_t wide = 12, narrow = 4;  // lanes a block: as many wide ones as fit, then narrow ones

  explicit CentreTable(std::size_t dim) : dim_(dim) {}

  // centre(j) -> pointer to [dim], for j = 0 .. k - 1
  template <typename F>
  void fill(std::size_t k, const F& centre) {
    padded_ = (k + narrow - 1) / narrow * narrow;
    values_.assign(padded_ * dim_, 0.0F);
    norms_.assign(padded_, 0.0F);
    for (std::size_t block = 0, lanes = 0; block < padded_; block += lanes) {
      lanes = lanes_at(block);
      for (std::size_t j = block; j < std::min(k, block + lanes); ++j) {
        const float* c = centre(j);
        norms_[j] = squared_norm(c, dim_);
        for (std::size_t d = 0; d < dim_; ++d) values_[block * dim_ + d * lanes + (j - block)] = c[d];
      }
    }
  }

  std::size_t padded() const { return padded_; }

  // out [points, padded]: |c|^2 - 2 x.c for the points x [dim] each; add |x|^2 for the squared distance.
  void relative_distances(const float* const x[points], float* out) const {
    for (std::size_t block = 0, lanes = 0; block < padded_; block += lanes) {
      lanes = lanes_at(block);
      if (lanes == wide)
        block_distances<wide>(x, block, out);
      else
        block_distances<narrow>(x, block, out);
    }
  }

 private:
  // GCC's and Clang's vector type, four floats in one register of any machine: plain loops over arrays came out up to
  // three times slower, depending on the flags.
  using Float4 __attribute__((vector_size(16))) = float;

  std::size_t lanes_at(std::size_t block) const { return padded_ - block >= wide ? wide : narrow; }

  // One running sum per point and centre: vectors run across the centres, so no sum is reordered.
  template <std::size_t lanes>
  void block_distances(const float* const x[points], std::size_t block, float* out) const {
    constexpr std::size_t vectors = lanes / 4;
    Float4 dot[points][vectors] = {};
    const float* c = &values_[block * dim_];
    for (std::size_t d = 0; d < dim_; ++d)
#pragma GCC unroll 4
      for (std::size_t v = 0; v < vectors; ++v, c += 4) {
        Float4 centres;
        std::memcpy(&centres, c, sizeof centres);
#pragma GCC unroll 4
        for (std::size_t p = 0; p < points; ++p) dot[p][v] += x[p][d] * centres;
      }
    for (std::size_t p = 0; p < points; ++p)
      for (std::size_t j = 0; j < lanes; ++j)
        out[p * padded_ + block + j] = norms_[block + j] - 2 * dot[p][j / 4][j % 4];
  }

  std::size_t dim_, padded_ = 0;
  std::vector<float> values_, norms_;
};

// For every point that is `wanted(i)`: use(i, row) with row [table.padded()], its relative distances. In parallel; the
// numbers of a point do not depend on which others are wanted.
template <typename Wanted, typename Use>
void each_point(const Points& points, const CentreTable& table, int threads, const Wanted& wanted, const Use& use) {
  constexpr int chunk = 512;  // points a thread takes at a time
  constexpr std::size_t group = CentreTable::points;
  run_tasks((points.n + chunk - 1) / chunk, threads, [&](int task) {
    std::vector<float> rows(group * table.padded());
    std::array<int, group> id{};
    std::size_t filled = 0;
    const auto flush = [&] {
      std::fill(id.begin() + filled, id.end(), id[0]);
      const float* x[group];
      for (std::size_t p = 0; p < group; ++p) x[p] = points[id[p]];
      table.relative_distances(x, rows.data());
      for (std::size_t p = 0; p < filled; ++p) use(id[p], &rows[p * table.padded()]);
      filled = 0;
    };
    for (int i = task * chunk; i < std::min(points.n, (task + 1) * chunk); ++i) {
      if (!wanted(i)) continue;
      id[filled++] = i;
      if (filled == group) flush();
    }
    if (filled > 0) flush();
  });
}

}  // namespace snag
