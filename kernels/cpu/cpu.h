#pragma once
#include <cstddef>
#include <string>

#include "kernels/cpu/arena.h"
#include "kernels/cpu/frozen.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/kernels.h"

namespace snag {

// What a tuned kernel runs with: the threads, memory that lasts for one kernel, and what is kept of frozen memory.
struct Cpu {
  ThreadPool pool;
  Arena memory;
  Frozen frozen = {};
};

// Memory of one kernel, given back at the end of the scope. Pages stay, so that a steady state takes none.
class Scratch {
 public:
  explicit Scratch(Arena& arena) : arena_(arena), mark_(arena.used()) {}
  ~Scratch() { arena_.rewind(mark_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  template <class T>
  T* take(std::size_t count) {
    return static_cast<T*>(arena_.alloc(count * sizeof(T)));
  }

 private:
  Arena& arena_;
  std::size_t mark_;
};

// The tuned kernels.
void launch(Cpu&, const ConvDown&);
void launch(Cpu&, const ConvUp&);
void launch(Cpu&, const ConvWeight&);
void launch(Cpu&, const MatMul&);
void launch(Cpu&, const BatchNormStats&);
void launch(Cpu&, const BatchNorm&);
void launch(Cpu&, const BatchNormGradSums&);
void launch(Cpu&, const BatchNormGrad&);
void launch(Cpu&, const Sum&);
void launch(Cpu&, const ImageMean&);
void launch(Cpu&, const ImageSpread&);
void launch(Cpu&, const ChannelSum&);
void launch(Cpu&, const ChannelSpread&);
void launch(Cpu&, const AddBias&);
void launch(Cpu&, const PatchMean&);
void launch(Cpu&, const PatchMeanGrad&);
void launch(Cpu&, const TopMean&);
void launch(Cpu&, const ConcatChannels&);
void launch(Cpu&, const SliceChannels&);
void launch(Cpu&, const PadChannels&);
void launch(Cpu&, const ConcatImages&);
void launch(Cpu&, const Tanh&);
void launch(Cpu&, const Sigmoid&);
void launch(Cpu&, const Adam&);
void launch(Cpu&, const GatherBatch&);

template <class K>
concept Tuned = requires(Cpu& cpu, const K& k) {
  launch(cpu, k);
};

// All others: a loop over the portable form, compiled for the machine at hand.
void run_portable(Cpu&, const Kernel&, int size);

// What that is, as Highway calls it: "AVX3" is AVX-512.
std::string instruction_set();

}  // namespace snag
