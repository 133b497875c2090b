#include <algorithm>

#include "kernels/cpu/cpu.h"

namespace snag {

// The largest elements of a row, as a heap with the least of them on top: most elements are only compared with it.
void launch(Cpu& cpu, const TopMean& k) {
  Scratch scratch(cpu.memory);
  const int m = k.x.shape.image();
  const auto room = static_cast<std::ptrdiff_t>(k.count);
  int* const heaps = scratch.take<int>(static_cast<std::size_t>(room) * static_cast<std::size_t>(cpu.pool.threads()));
  cpu.pool.parallel_for(k.x.shape.n, [&](int n, int thread) {
    const real* row = k.x.data + static_cast<std::ptrdiff_t>(n) * m;
    int *const heap = heaps + room * thread, *const end = heap + room;
    const auto larger = [row](int i, int j) { return row[i] > row[j] || (row[i] == row[j] && i < j); };
    for (int i = 0; i < k.count; ++i) heap[i] = i;
    std::make_heap(heap, end, larger);
    for (int i = k.count; i < m; ++i) {
      if (!larger(i, *heap)) continue;
      std::pop_heap(heap, end, larger);
      end[-1] = i;
      std::push_heap(heap, end, larger);
    }
    std::sort(heap, end);  // the portable form's order of summation
    wide s = 0;
    for (const int* i = heap; i < end; ++i) s += row[*i];
    k.y.data[n] = static_cast<real>(s / k.count);
  });
}

}  // namespace snag
