#include "kernels/cuda/glue.h"

#include <tuple>

#include "kernels/cuda/adam.cuh"
#include "kernels/cuda/batchnorm.cuh"
#include "kernels/cuda/gather.cuh"
#include "kernels/cuda/largest.cuh"
#include "kernels/cuda/one_channel.cuh"
#include "kernels/cuda/patches.cuh"
#include "kernels/cuda/portable.cuh"

namespace snag {
namespace {

constexpr int kGlueBlock = 256;
constexpr int kGlueResident = 2;                // blocks that a multiprocessor holds: 128 registers a thread
constexpr std::size_t kGlueShared = 16 * 1024;  // bytes for each; works that want more run alone

struct GlueWork {
  int number;      // of its type, among the GlueWorks
  int begin, end;  // its blocks in the phase
  alignas(16) std::byte work[kWorkBytes];
};
struct GluePhase {
  int first_work, blocks;
};

template <class W>
__device__ inline void run_block(const GlueWork& g, int block) {
  static_assert(W::threads == kGlueBlock);
  const W& work = *reinterpret_cast<const W*>(g.work);
  work.run(work.grid.place(block - g.begin));
}

// Finds the type among All, of numbers Low to High, by halves: six comparisons instead of sixty.
template <class All, std::size_t Low, std::size_t High>
__device__ inline void run_block_among(const GlueWork& g, int block) {
  if constexpr (High - Low == 1) {
    run_block<std::tuple_element_t<Low, All>>(g, block);
  } else {
    constexpr std::size_t middle = (Low + High) / 2;
    if (g.number < static_cast<int>(middle))
      run_block_among<All, Low, middle>(g, block);
    else
      run_block_among<All, middle, High>(g, block);
  }
}

// A block does every gridDim-th block of a phase. What it knows between two of them is little, and read anew: registers
// are short while works run.
struct Glue {
  const GlueWork* works;
  const GluePhase* phases;
  __device__ const GlueWork& holder(int p, int block) const {
    int w = phases[p].first_work;
    while (block >= works[w].end) ++w;
    return works[w];
  }
  __device__ void operator()(int p) const {
    for (int block = static_cast<int>(blockIdx.x); block < phases[p].blocks; block += static_cast<int>(gridDim.x)) {
      run_block_among<GlueWorks, 0, std::tuple_size_v<GlueWorks>>(holder(p, block), block);
      __syncthreads();  // the next one finds shared memory free
    }
  }
};

template <class T>
DeviceMemory on_device(const std::vector<T>& values) {
  DeviceMemory memory = device_memory(sizeof(T) * values.size());
  check(cudaMemcpy(memory.get(), values.data(), sizeof(T) * values.size(), cudaMemcpyHostToDevice));
  return memory;
}

}  // namespace

bool is_glue(const Cuda& cuda, const Prepared& p) {
  return p.program->glue != kNoGlue && p.needs.shared <= kGlueShared &&
         p.blocks <= kGlueResident * cuda.multiprocessors;
}

GlueLaunch::GlueLaunch(const Cuda& cuda, const Phases& given) : shared_(0) {
  std::vector<GlueWork> works;
  std::vector<GluePhase> phases;
  int most_blocks = 1;
  for (const auto& phase : given) {
    ScratchSpace space(cuda);
    const auto begin_phase = [&] {
      space = ScratchSpace(cuda);
      phases.push_back({static_cast<int>(works.size()), 0});
    };
    begin_phase();
    for (const Prepared* p : phase) {
      Scratch scratch;
      if (!space.take(p->needs, scratch)) {
        begin_phase();
        space.take(p->needs, scratch);
      }
      GlueWork g{.number = p->program->glue,
                 .begin = phases.back().blocks,
                 .end = phases.back().blocks + p->blocks,
                 .work = {}};
      std::memcpy(g.work, p->work.data(), kWorkBytes);
      p->program->use(g.work, scratch);
      works.push_back(g);
      phases.back().blocks = g.end;
      most_blocks = std::max(most_blocks, g.end);
      shared_ = std::max(shared_, p->needs.shared);
    }
  }
  works_ = on_device(works);
  phases_ = on_device(phases);
  phase_count_ = static_cast<int>(phases.size());
  blocks_ = std::min(most_blocks, resident_blocks<kGlueBlock, kGlueResident, Glue>(cuda.multiprocessors, shared_));
}

void GlueLaunch::run(const Cuda& cuda) const {
  launch_in_phases<kGlueBlock, kGlueResident>(
      phase_count_, blocks_, shared_, cuda.stream,
      Glue{static_cast<const GlueWork*>(works_.get()), static_cast<const GluePhase*>(phases_.get())});
}

}  // namespace snag
