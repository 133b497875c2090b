#include "kernels/cuda/glue.h"

#include <tuple>

#include "kernels/cuda/adam.cuh"
#include "kernels/cuda/batchnorm.cuh"
#include "kernels/cuda/gather.cuh"
#include "kernels/cuda/largest.cuh"
#include "kernels/cuda/mma.cuh"
#include "kernels/cuda/norm_at_once.cuh"
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
  int blocks;      // of all works in the phase
  alignas(16) std::byte work[kWorkBytes];
};
constexpr int kIdle = -1;

template <class W>
__device__ inline void run_block(const GlueWork& g, int block) {
  static_assert(W::threads == kGlueBlock);
  const W& work = *reinterpret_cast<const W*>(g.work);
  work.run(work.grid.place(block - g.begin));
}

// The comparisons become a switch, and that a jump (CMakeLists.txt): the works' code is larger than the cache that it
// runs from, so each branch that lies among it may cost a read of memory.
template <std::size_t... I>
__device__ inline void run_block_among(const GlueWork& g, int block, std::index_sequence<I...>) {
  static_cast<void>(
      ((g.number == static_cast<int>(I) && (run_block<std::tuple_element_t<I, GlueWorks>>(g, block), true)) || ...));
}

// The work that a block runs lies in its shared memory, where it was copied to while the phase before ran: what it says
// is at hand when the phase begins. Two, as one is read while the next comes.
__device__ inline GlueWork* two_works() {
  SHARED(GlueWork, works, [2]);
  return works;
}

// A block does every gridDim-th block of a phase.
struct Glue {
  const GlueWork* works;
  const int* firsts;  // [block of the launch][phase]: the work that it does first, or kIdle
  int phases;
  int after;  // bytes of shared memory that works use; the block's own row of `firsts` lies behind

  __device__ int* own_firsts() const {
    DYN_SHARED(std::byte, memory);
    return reinterpret_cast<int*>(memory + after);
  }
  __device__ static void copy(GlueWork& to, const GlueWork& from) {
    constexpr int bytes = 16, parts = sizeof(GlueWork) / bytes;
    static_assert(parts * bytes == sizeof(GlueWork) && parts <= kGlueBlock);
    const int at = static_cast<int>(threadIdx.x) * bytes;
    if (at < parts * bytes)
      cp_async_16(reinterpret_cast<std::byte*>(&to) + at, reinterpret_cast<const std::byte*>(&from) + at, true);
    cp_async_commit();
  }

  __device__ void begin() const {
    for (int p = static_cast<int>(threadIdx.x); p < phases; p += kGlueBlock)
      own_firsts()[p] = firsts[static_cast<int>(blockIdx.x) * phases + p];
    __syncthreads();
  }
  __device__ void fetch(int p) const {
    if (const int w = own_firsts()[p]; w != kIdle) copy(two_works()[p % 2], works[w]);
  }
  __device__ void arrive() const {
    cp_async_wait<0>();
    __syncthreads();
  }
  __device__ void run(int p) const {
    int w = own_firsts()[p];
    if (w == kIdle) return;
    GlueWork& g = two_works()[p % 2];
    for (int block = static_cast<int>(blockIdx.x);;) {
      run_block_among(g, block, std::make_index_sequence<std::tuple_size_v<GlueWorks>>());
      block += static_cast<int>(gridDim.x);
      const bool ends = block >= g.blocks, others = block >= g.end;
      if (ends) return;
      __syncthreads();  // shared memory is free
      if (!others) continue;
      while (block >= works[w].end) ++w;
      copy(g, works[w]);
      arrive();
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

GlueLaunch::GlueLaunch(const Cuda& cuda, const Phases& given) {
  std::vector<std::vector<GlueWork>> phases;
  std::size_t shared = 0;
  for (const auto& phase : given) {
    ScratchSpace space(cuda);
    phases.emplace_back();
    for (const Prepared* p : phase) {
      Scratch scratch;
      if (!space.take(p->needs, scratch)) {
        phases.emplace_back();
        space = ScratchSpace(cuda);
        space.take(p->needs, scratch);
      }
      const int begin = phases.back().empty() ? 0 : phases.back().back().end;
      GlueWork g{.number = p->program->glue, .begin = begin, .end = begin + p->blocks, .blocks = 0, .work = {}};
      std::memcpy(g.work, p->work.data(), kWorkBytes);
      p->program->use(g.work, scratch);
      phases.back().push_back(g);
      shared = std::max(shared, p->needs.shared);
    }
  }
  phase_count_ = static_cast<int>(phases.size());
  after_ = (shared + 15) / 16 * 16;
  shared_ = after_ + sizeof(int) * phases.size();
  blocks_ = resident_blocks<kGlueBlock, kGlueResident, Glue>(cuda.multiprocessors, shared_);
  int most = 0;
  for (const auto& phase : phases) most = std::max(most, phase.back().end);
  blocks_ = std::min(blocks_, most);

  std::vector<GlueWork> works;
  std::vector<int> firsts(static_cast<std::size_t>(blocks_) * phases.size(), kIdle);
  for (std::size_t p = 0; p < phases.size(); ++p) {
    for (GlueWork& g : phases[p]) {
      g.blocks = phases[p].back().end;
      for (int b = g.begin; b < std::min(g.end, blocks_); ++b)
        firsts[static_cast<std::size_t>(b) * phases.size() + p] = static_cast<int>(works.size());
      works.push_back(g);
    }
  }
  works_ = on_device(works);
  firsts_ = on_device(firsts);
}

void GlueLaunch::run(const Cuda& cuda) const {
  launch_in_phases<kGlueBlock, kGlueResident>(phase_count_, blocks_, shared_, cuda.stream,
                                              Glue{.works = static_cast<const GlueWork*>(works_.get()),
                                                   .firsts = static_cast<const int*>(firsts_.get()),
                                                   .phases = phase_count_,
                                                   .after = static_cast<int>(after_)});
}

}  // namespace snag
