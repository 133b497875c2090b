#include "kernels/cuda/bf16.cuh"

#include <algorithm>

namespace snag {
namespace {

Bf16Copy take(Cuda& cuda, Shape s, int parts) {
  const int part = ceil_div(s.size(), 8) * 8;
  auto* const high = reinterpret_cast<Bf16*>(cuda.parts->take(static_cast<std::size_t>(part * parts / 2)));
  return {high, parts == 2 ? part : 0};
}
std::vector<Operand> writes_of(const Bf16Copy& c, Shape s) {
  std::vector<Operand> all{writes(c.high, s)};
  if (c.low != 0) all.push_back(writes(c.high + c.low, s));
  return all;
}

// Of the work that wrote x, or made it bf16; where that is not known or cannot, nothing.
Source<Bf16> beside(Cuda& cuda, ConstView x, int parts) {
  if (!cuda.recorded) return {};
  for (auto p = cuda.recorded->rbegin(); p != cuda.recorded->rend(); ++p) {
    const AlsoBf16 kept = p->program->also ? p->program->also(p->work.data()) : AlsoBf16{};
    const std::ptrdiff_t skipped = kept.y.data ? x.data - kept.y.data : -1;
    if (skipped >= 0 && skipped % 8 == 0 && skipped + x.shape.size() <= kept.y.shape.size()) {
      if (!kept.also->high) {
        *kept.also = take(cuda, kept.y.shape, parts);
        const std::vector<Operand> more = writes_of(*kept.also, kept.y.shape);
        p->operands.insert(p->operands.end(), more.begin(), more.end());
      }
      return {kept.also->high + skipped, kept.also->low};
    }
    if (writes_any(*p, x)) return {};
  }
  return {};
}

}  // namespace

Source<Bf16> as_bf16(Cuda& cuda, ConstView x, int parts) {
  if (const Source<Bf16> there = beside(cuda, x, parts); there.data) return there;
  const ToBf16 work{.y = {const_cast<float*>(x.data), x.shape},  // NOLINT: only read
                    .also = take(cuda, x.shape, parts),
                    .grid = {std::min(ceil_div(x.shape.size(), 4 * ToBf16::threads), 8 * cuda.multiprocessors)}};
  std::vector<Operand> all = writes_of(work.also, x.shape);
  all.push_back(reads(x));
  run(cuda, work, {}, std::source_location::current(), std::move(all));
  return {work.also.high, work.also.low};
}

}  // namespace snag
