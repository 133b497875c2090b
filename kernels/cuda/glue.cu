#include "kernels/cuda/glue.h"

#include <tuple>

#include "kernels/cuda/adam.cuh"
#include "kernels/cuda/batchnorm.cuh"
#include "kernels/cuda/bf16.cuh"
#include "kernels/cuda/gather.cuh"
#include "kernels/cuda/largest.cuh"
#include "kernels/cuda/narrow.cuh"
#include "kernels/cuda/map_parts.cuh"
#include "kernels/cuda/norm_at_once.cuh"
#include "kernels/cuda/one_channel.cuh"
#include "kernels/cuda/patches.cuh"
#include "kernels/cuda/portable.cuh"
#include "kernels/cuda/turn_weights.cuh"

namespace snag {
namespace {

constexpr int kGlueBlock = 256;
constexpr int kGlueResident = 2;                // blocks that a multiprocessor holds: 128 registers a thread
constexpr std::size_t kGlueShared = 16 * 1024;  // bytes for each; works that want more run alone

template <class>
struct MostBytes;
template <class... W>
struct MostBytes<std::tuple<W...>> {
  static constexpr std::size_t value = std::max({sizeof(W)...});
};

// The work that a block runs, in its shared memory.
struct OwnWork {
  int at;           // among the works of the launch
  int number;       // of its type, among the GlueWorks
  int first_block;  // of the phase's, its own first
  alignas(16) std::byte bytes[(MostBytes<GlueWorks>::value + 15) / 16 * 16];
};
__device__ inline OwnWork& own_work() {
  SHARED(OwnWork, own, [1]);
  return own[0];
}

template <class W>
__device__ inline void run_block(int block) {
  static_assert(W::threads == kGlueBlock);
  const W& work = *reinterpret_cast<const W*>(own_work().bytes);
  work.run(work.grid.place(block));
}

// A switch is one jump by a table (CMakeLists.txt): the works' code is larger than the cache that it runs from, so each
// branch of a search that lies among it may cost a read of memory.
template <class All>
__device__ inline void run_block_of(int number, int block) {
  static_assert(std::tuple_size_v<All> <= 96);
#define SNAG_CASE(i)                                                                          \
  case i:                                                                                     \
    if constexpr (i < std::tuple_size_v<All>) run_block<std::tuple_element_t<i, All>>(block); \
    break;
#define SNAG_CASES_4(i) SNAG_CASE(i) SNAG_CASE(i + 1) SNAG_CASE(i + 2) SNAG_CASE(i + 3)
#define SNAG_CASES_16(i) SNAG_CASES_4(i) SNAG_CASES_4(i + 4) SNAG_CASES_4(i + 8) SNAG_CASES_4(i + 12)
  switch (number) {
    SNAG_CASES_16(0)
    SNAG_CASES_16(16)
    SNAG_CASES_16(32)
    SNAG_CASES_16(48)
    SNAG_CASES_16(64)
    SNAG_CASES_16(80)
  }
#undef SNAG_CASE
#undef SNAG_CASES_4
#undef SNAG_CASES_16
}

// All that a launch needs to know, in its parameters: these come with the launch, where memory would have to be read,
// and a block could do nothing before. A block does every gridDim-th block of a phase.
struct Glue {
  static constexpr int most_phases = 28, most_works = 48;
  struct Work {
    int end;              // of its blocks in the phase; they begin where those of the work before end
    std::int16_t number;  // of its type, among the GlueWorks
    std::int16_t begin;   // of its bytes, in 16; they end where those of the next begin
  };
  Work works[most_works + 1];
  std::int16_t first[most_phases + 1];  // work of each phase; it ends where the next begins
  alignas(16) std::byte bytes[3536];

  // The first from w on, before `last`, that has the block; else `last`.
  __device__ int work_of(int block, int w, int last) const {
    while (w < last && block >= works[w].end) ++w;
    return w;
  }
  // Copies work w of phase p, where there is one.
  __device__ void copy(int p, int w) const {
    struct alignas(16) Part {
      int part[4];
    };
    OwnWork& own = own_work();
    const int t = static_cast<int>(threadIdx.x);
    if (t == 0) own.at = w;
    if (w == first[p + 1]) return;
    const int begin = works[w].begin;
    if (t < works[w + 1].begin - begin)
      reinterpret_cast<Part*>(own.bytes)[t] = reinterpret_cast<const Part*>(bytes)[begin + t];
    if (t > 0) return;
    own.number = works[w].number;
    own.first_block = w > first[p] ? works[w - 1].end : 0;
  }

  __device__ void fetch(int p) const { copy(p, work_of(static_cast<int>(blockIdx.x), first[p], first[p + 1])); }
  __device__ void run(int p) const {
    const OwnWork& own = own_work();
    if (own.at == first[p + 1]) return;
    for (int block = static_cast<int>(blockIdx.x);;) {
      run_block_of<GlueWorks>(own.number, block - own.first_block);
      block += static_cast<int>(gridDim.x);
      const int w = work_of(block, own.at, first[p + 1]);
      if (w == first[p + 1]) return;
      const bool other = w != own.at;
      __syncthreads();  // shared memory is free
      if (!other) continue;
      copy(p, w);
      __syncthreads();
    }
  }
};
static_assert(sizeof(Glue) + sizeof(int) <= 4096);

// A launch that is put together.
class GlueLaunch {
 public:
  explicit GlueLaunch(const Cuda& cuda) : cuda_(&cuda), space_(cuda) {}

  // Adds a work to the last phase, or to a new one. False where there is no more room: nothing is done.
  bool add(const Prepared& p, bool opens_phase) {
    const auto parts = static_cast<int>((p.program->bytes + 15) / 16), begin = int{glue_.works[works_].begin};
    if (works_ == Glue::most_works || (begin + parts) * 16 > static_cast<int>(sizeof glue_.bytes)) return false;
    if (opens_phase && phases_ == Glue::most_phases) return false;
    if (opens_phase) space_ = ScratchSpace(*cuda_);
    Scratch scratch;
    if (!space_.take(p.needs, scratch)) return false;
    std::byte* const bytes = glue_.bytes + begin * 16;
    std::memcpy(bytes, p.work.data(), p.program->bytes);
    p.program->use(bytes, scratch);
    const int blocks = p.blocks + (opens_phase ? 0 : glue_.works[works_ - 1].end);
    glue_.works[works_].end = blocks;
    glue_.works[works_].number = static_cast<std::int16_t>(p.program->glue);
    glue_.works[++works_].begin = static_cast<std::int16_t>(begin + parts);
    phases_ += opens_phase;
    glue_.first[phases_] = static_cast<std::int16_t>(works_);
    blocks_ = std::max(blocks_, blocks);
    shared_ = std::max(shared_, p.needs.shared);
    return true;
  }
  // Returns how often its blocks wait for one another.
  int run() const {
    const int resident = resident_blocks<kGlueBlock, kGlueResident, Glue>(cuda_->multiprocessors, shared_);
    launch_in_phases<kGlueBlock, kGlueResident>(phases_, std::min(blocks_, resident), shared_, cuda_->stream, glue_);
    return phases_ - 1;
  }

 private:
  const Cuda* cuda_;
  ScratchSpace space_;  // of the last phase
  Glue glue_{};
  int phases_ = 0, works_ = 0, blocks_ = 0;
  std::size_t shared_ = 0;
};

}  // namespace

bool is_glue(const Cuda& cuda, const Prepared& p) {
  return p.program->glue != kNoGlue && p.needs.shared <= kGlueShared &&
         p.blocks <= kGlueResident * cuda.multiprocessors;
}

int launch_glue(const Cuda& cuda, const Phases& phases) {
  GlueLaunch launch(cuda);
  int waits = 0;
  for (const auto& phase : phases) {
    bool opens = true;
    for (const Prepared* p : phase) {
      if (!launch.add(*p, opens) && !launch.add(*p, true)) {
        waits += launch.run();
        launch = GlueLaunch(cuda);
        launch.add(*p, true);
      }
      opens = false;
    }
  }
  return waits + launch.run();
}

}  // namespace snag
