#include "kernels/cuda/turn_weights.cuh"

#include <algorithm>

namespace snag {
const float* turned_weights(Cuda& cuda, ConstView w) {
  const auto turns = [&](const Prepared& p) {
    return p.program == &kProgram<TurnWeights> && reinterpret_cast<const TurnWeights*>(p.work.data())->w.data == w.data;
  };
  if (const Prepared* made = recorded_since_written(cuda, w, turns))
    return reinterpret_cast<const TurnWeights*>(made->work.data())->turned;
  TurnWeights work{.w = w, .turned = cuda.parts->take(static_cast<std::size_t>(w.shape.size())), .grid = {}};
  work.grid = {std::min(work.tiles(), TurnWeights::resident * cuda.multiprocessors)};
  run(cuda, work, {}, std::source_location::current(), {reads(w), writes(work.turned, w.shape)});
  return work.turned;
}

}  // namespace snag
