#pragma once
#include <cuda_runtime.h>

#include <vector>

// Kernels with one bug each, and the same kernels without it: what simt must find, and what it must not.
namespace snag {

constexpr int kPlantedSize = 256;  // floats in x and in y

struct PlantedRun {
  const float* x;  // device
  float* y;        // device, NaN
  cudaStream_t stream;
  bool bug;
};

struct PlantedBug {
  const char* name;
  const char* sign;  // must be in what at least one build says of it
  void (*run)(const PlantedRun&);
  int checked;                                   // leading elements of y
  float (*expected)(const float* x, int index);  // x on the host
};

std::vector<PlantedBug> planted_block_bugs();
std::vector<PlantedBug> planted_warp_bugs();

}  // namespace snag
