#include "kernels/movement.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "kernels/cpu/cpu.h"

namespace snag {
namespace {

constexpr int kShare = 1 << 15;  // elements of a task

void copy(real* to, const real* from, int count) {
  if (count > 0) std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(real));
}

// fn(begin, end) for shares of `count` things of `size` elements each
template <class Fn>
void for_each_share(Cpu& cpu, int count, int size, const Fn& fn) {
  const int step = std::max(1, kShare / std::max(1, size));
  cpu.pool.parallel_for((count + step - 1) / step,
                        [&](int task) { fn(task * step, std::min(count, (task + 1) * step)); });
}

// Columns of a matrix: `columns` of row i, from `from` with its own row length to `to` with its own.
struct Columns {
  real* to;
  const real* from;
  int to_row, from_row, columns;
  void copy_row(int i) const {
    copy(to + static_cast<std::ptrdiff_t>(i) * to_row, from + static_cast<std::ptrdiff_t>(i) * from_row, columns);
  }
};

}  // namespace

void launch(Cpu& cpu, const ConcatChannels& k) {
  const int a = k.a.shape.c, b = k.b.shape.c;
  for_each_share(cpu, k.y.shape.pixels(), a + b, [&](int begin, int end) {
    for (int i = begin; i < end; ++i) {
      Columns{k.y.data, k.a.data, a + b, a, a}.copy_row(i);
      Columns{k.y.data + a, k.b.data, a + b, b, b}.copy_row(i);
    }
  });
}

void launch(Cpu& cpu, const SliceChannels& k) {
  const Columns slice{k.y.data, k.x.data + k.begin, k.y.shape.c, k.x.shape.c, k.y.shape.c};
  for_each_share(cpu, k.y.shape.pixels(), k.y.shape.c, [&](int begin, int end) {
    for (int i = begin; i < end; ++i) slice.copy_row(i);
  });
}

void launch(Cpu& cpu, const PadChannels& k) {
  const int c = k.y.shape.c, behind = k.begin + k.x.shape.c;
  const Columns inner{k.y.data + k.begin, k.x.data, c, k.x.shape.c, k.x.shape.c};
  for_each_share(cpu, k.y.shape.pixels(), c, [&](int begin, int end) {
    for (int i = begin; i < end; ++i) {
      real* y = k.y.data + static_cast<std::ptrdiff_t>(i) * c;
      std::fill(y, y + k.begin, real(0));
      inner.copy_row(i);
      std::fill(y + behind, y + c, real(0));
    }
  });
}

void launch(Cpu&, const ConcatImages& k) {
  copy(k.y.data, k.a.data, k.a.shape.size());
  copy(k.y.data + k.a.shape.size(), k.b.data, k.b.shape.size());
}

}  // namespace snag
