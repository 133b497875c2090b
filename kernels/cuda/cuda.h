#pragma once
#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cuda/parts.h"
#include "kernels/kernels.h"

namespace snag {

struct Prepared;

// What a kernel of this backend is launched with.
struct Cuda {
  cudaStream_t stream = nullptr;
  cublasHandle_t cublas = nullptr;
  Precision precision = Precision::fp32;
  // Memory for the partial results of one launch; the stream runs one after the other.
  float* workspace = nullptr;
  std::size_t workspace_floats = 0;
  // One counter per tile of a kernel that splits its reduction; zero between launches.
  unsigned* tickets = nullptr;
  PartsMemory* parts = nullptr;
  int multiprocessors = 1;
  bool warpgroups = false;  // device and program have sm_90a's products
  std::string tile;         // of convolutions, where they may have it
  // Where somebody wants to know what the last convolution could have been: backend.h.
  std::vector<Tiling>* tilings = nullptr;
  // Where a step is recorded, kernels are kept here instead of launched.
  std::vector<Prepared>* recorded = nullptr;
};
constexpr int kTickets = 1 << 14;

// The tuned kernels. Each gives the portable form's result, the same bits in every run.
void launch(Cuda&, const ConvDown&);
void launch(Cuda&, const ConvUp&);
void launch(Cuda&, const ConvWeight&);
void launch(Cuda&, const MatMul&);
void launch(Cuda&, const BatchNormStats&);
void launch(Cuda&, const BatchNorm&);
void launch(Cuda&, const BatchNormGradSums&);
void launch(Cuda&, const BatchNormGrad&);
void launch(Cuda&, const LeakyReluGrad&);
void launch(Cuda&, const Sum&);
void launch(Cuda&, const ImageMean&);
void launch(Cuda&, const ChannelSum&);
void launch(Cuda&, const LeastSquaresWithLogits&);
void launch(Cuda&, const PatchMean&);
void launch(Cuda&, const TopMean&);
void launch(Cuda&, const TopMeanGrad&);
void launch(Cuda&, const Adam&);
void launch(Cuda&, const GatherBatch&);

// Does what `k` does within the work of the kernel that ran before, where a step is recorded; else in a work of its own
// that gives the same bits. False where it cannot: nothing is done.
bool launch_after(Cuda&, const ConvDown& before, const BatchNormStats& k);
bool launch_after(Cuda&, const ConvUp& before, const BatchNormStats& k);
bool launch_after(Cuda&, const ConvDown& before, const BatchNormGradSums& k);
bool launch_after(Cuda&, const ConvUp& before, const BatchNormGradSums& k);
bool launch_after(Cuda&, const ConvDown& before, const LeakyRelu& k);
bool launch_after(Cuda&, const BatchNormStats& before, const BatchNorm& k);
bool launch_after(Cuda&, const BatchNormGradSums& before, const BatchNormGrad& k);

template <class K>
concept TunedForCuda = requires(Cuda& cuda, const K& k) {
  launch(cuda, k);
};

}  // namespace snag
