#include "kernels/cuda/parts.cuh"

#include "kernels/cuda/map_parts.cuh"
#include "kernels/cuda/wide.cuh"

namespace snag {

void launch_add_parts(Cuda& cuda, View y, const Parts& parts) {
  const AddParts work{.y = y, .from = parts, .grid = {ceil_div(y.shape.size(), 4 * AddParts::threads)}};
  run(cuda, work, {}, std::source_location::current(), {writes(y), reads(parts)});
}

std::optional<AddParts> take_back_adding(Cuda& cuda, ConstView y) {
  if (!cuda.recorded || cuda.recorded->empty()) return std::nullopt;
  const Prepared& last = cuda.recorded->back();
  if (last.program != &kProgram<AddParts>) return std::nullopt;
  const AddParts adding = *reinterpret_cast<const AddParts*>(last.work.data());
  if (adding.y.data != y.data) return std::nullopt;
  cuda.recorded->pop_back();
  return adding;
}

void launch(Cuda& cuda, const LeakyReluGrad& k) {
  if (!aligned(k.x.data, k.dx.data) || !launch_map_of_parts(cuda, k)) launch<LeakyReluGrad>(cuda, k);
}

}  // namespace snag
