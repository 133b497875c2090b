#include "kernels/cuda/turn_weights.cuh"

#include <algorithm>

namespace snag {
namespace {

// What a work before has made of w as it is.
const float* made_before(const Cuda& cuda, ConstView w) {
  if (!cuda.recorded) return nullptr;
  for (auto p = cuda.recorded->rbegin(); p != cuda.recorded->rend() && !writes_any(*p, w); ++p)
    if (p->program == &kProgram<TurnWeights>)
      if (const auto& made = *reinterpret_cast<const TurnWeights*>(p->work.data()); made.w.data == w.data)
        return made.turned;
  return nullptr;
}

}  // namespace

const float* turned_weights(Cuda& cuda, ConstView w) {
  if (const float* const made = made_before(cuda, w)) return made;
  TurnWeights work{.w = w, .turned = cuda.parts->take(static_cast<std::size_t>(w.shape.size())), .grid = {}};
  work.grid = {std::min(work.tiles(), TurnWeights::resident * cuda.multiprocessors)};
  run(cuda, work, {}, std::source_location::current(), {reads(w), writes(work.turned, w.shape)});
  return work.turned;
}

}  // namespace snag
