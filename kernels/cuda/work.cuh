#pragma once
// A kernel made ready for the GPU is a Work:
//
//   static constexpr int threads, resident;   of a block; blocks that a multiprocessor must have room for
//   Grid grid;
//   void run(Place) const                     what one block does, with all its threads; may use DYN_SHARED
//   void use(Scratch)                         only of works with Needs: where its blocks meet
//   Bf16Copy also; View output() const        only of works that can keep their output as bf16, too (bf16.cuh)
//
// A block's place in its work's grid is an argument, not blockIdx: a launch may hold many works. Works are values
// without pointers to the host.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels/cuda/cuda.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/schedule/operands.h"

namespace snag {

struct Place {
  int x, y, z;
};
struct Grid {
  int x = 1, y = 1, z = 1;
  HD int blocks() const { return x * y * z; }
  // A division takes long: none in one dimension, one in two.
  HD Place place(int block) const {
    if (block < x) return {block, 0, 0};
    const int row = block / x, column = block - row * x;
    if (row < y) return {column, row, 0};
    return {column, row % y, row / y};
  }
};

struct Needs {
  std::size_t shared = 0;   // bytes of dynamic shared memory for each block
  std::size_t partial = 0;  // floats of Scratch
  int tickets = 0;
};
// Memory of one work's blocks during one launch; the tickets are zero before and after.
struct Scratch {
  float* partial = nullptr;
  unsigned* tickets = nullptr;
  HD Scratch after(const Needs& n) const { return {partial + n.partial, tickets + n.tickets}; }
};
// A work that would need more splits less.
constexpr std::size_t kMostPartial = std::size_t{1} << 22;
constexpr int kMostTickets = kTickets / 4;

// Gives each work of a launch its part of the workspace.
class ScratchSpace {
 public:
  explicit ScratchSpace(const Cuda& cuda) : cuda_(&cuda) {}
  // False where no more fits. 16-byte aligned: works read and write four floats at once.
  bool take(const Needs& needs, Scratch& scratch) {
    if (partial_ + needs.partial > cuda_->workspace_floats || tickets_ + needs.tickets > kTickets) return false;
    scratch = {cuda_->workspace + partial_, cuda_->tickets + tickets_};
    partial_ += (needs.partial + 3) / 4 * 4;
    tickets_ += needs.tickets;
    return true;
  }

 private:
  const Cuda* cuda_;
  std::size_t partial_ = 0;
  int tickets_ = 0;
};

// The upper half of a float.
struct Bf16 {
  std::uint16_t bits;
};
// A tensor's elements rounded to bf16, where they are wanted; and what that lacks of each, as bf16, so far behind.
struct Bf16Copy {
  Bf16* high = nullptr;
  int low = 0;  // 0: not wanted
};
// What a work writes, and its `also`.
struct AlsoBf16 {
  View y;
  Bf16Copy* also = nullptr;
};

// What runs the works of one type.
struct Program {
  int capacity;  // works in one launch
  void (*launch)(const Cuda&, std::span<const Prepared* const>);
  AlsoBf16 (*also)(std::byte* work) = nullptr;  // null where it has none
};

constexpr std::size_t kWorkBytes = 1536;

struct Prepared {
  const Program* program = nullptr;
  int blocks = 0;
  Needs needs;
  std::source_location where;
  std::vector<Operand> operands;  // what the scheduler needs to know; empty: those of the kernel that is run
  alignas(16) std::array<std::byte, kWorkBytes> work{};
};

// Many works of one type in one launch.
template <class W>
struct Batch {
  static constexpr int capacity = static_cast<int>(std::clamp<std::size_t>(4000 / (sizeof(W) + sizeof(int)), 1, 16));
  W work[capacity];
  int end[capacity];  // blocks of this work and of those before
};

template <class W>
__global__ void __launch_bounds__(W::threads, W::resident) batch(const GRID_CONSTANT Batch<W> b) {
  const int block = static_cast<int>(blockIdx.x);
  int i = 0;
  while (block >= b.end[i]) ++i;
  b.work[i].run(b.work[i].grid.place(i > 0 ? block - b.end[i - 1] : block));
}

template <class W>
void launch_batch(const Cuda& cuda, std::span<const Prepared* const> works) {
  while (!works.empty()) {
    Batch<W> b{};
    ScratchSpace space(cuda);
    std::size_t shared = 0, count = 0;
    for (Scratch scratch; count < works.size() && space.take(works[count]->needs, scratch); ++count) {
      const Prepared& p = *works[count];
      std::memcpy(&b.work[count], p.work.data(), sizeof(W));
      if constexpr (requires(W & w) { w.use(scratch); }) b.work[count].use(scratch);
      b.end[count] = p.blocks + (count > 0 ? b.end[count - 1] : 0);
      shared = std::max(shared, p.needs.shared);
    }
    launch(batch<W>, dim3(static_cast<unsigned>(b.end[count - 1])), dim3(W::threads), shared,
           {cuda.stream, works[0]->where}, b);
    works = works.subspan(count);
  }
}

template <class W>
concept KeepsBf16 = requires(W& w) {
  w.also;
  w.output();
};
template <class W>
AlsoBf16 also_bf16(std::byte* work) {
  W& w = *reinterpret_cast<W*>(work);
  return {w.output(), &w.also};
}

template <class W>
constexpr Program program() {
  Program p{Batch<W>::capacity, launch_batch<W>};
  if constexpr (KeepsBf16<W>) p.also = also_bf16<W>;
  return p;
}
template <class W>
inline constexpr Program kProgram = program<W>();

// Of the works of a recorded step from the last on, back to the one that wrote to x last, the first that has what is
// looked for; null where none has.
template <class Has>
Prepared* recorded_since_written(const Cuda& cuda, ConstView x, const Has& has) {
  if (!cuda.recorded) return nullptr;
  const auto changes = [&](const Operand& o) { return o.written && overlap(o, reads(x)); };
  for (auto p = cuda.recorded->rbegin(); p != cuda.recorded->rend(); ++p) {
    if (has(*p)) return &*p;
    if (std::any_of(p->operands.begin(), p->operands.end(), changes)) return nullptr;
  }
  return nullptr;
}

// Launches the work, or keeps it for the step that is recorded.
inline void run(Cuda& cuda, const Prepared& p) {
  if (cuda.recorded) return cuda.recorded->push_back(p);
  const Prepared* const one[] = {&p};
  p.program->launch(cuda, std::span<const Prepared* const>(one, 1));
}

template <class W>
void run(Cuda& cuda, const W& work, const Needs& needs = {},
         std::source_location where = std::source_location::current(), std::vector<Operand> operands = {}) {
  static_assert(sizeof(W) <= kWorkBytes && std::is_trivially_copyable_v<W>);
  if (work.grid.blocks() == 0) return;
  Prepared p{.program = &kProgram<W>,
             .blocks = work.grid.blocks(),
             .needs = needs,
             .where = where,
             .operands = std::move(operands)};
  std::memcpy(p.work.data(), &work, sizeof(W));
  run(cuda, p);
}

}  // namespace snag
