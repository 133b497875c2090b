#pragma once
#include <string>
#include <vector>

#include "tests/support.h"

namespace snag {

// A check of kernels that no op runs. A table, so that the coverage test can count what they run.
struct KernelCase {
  std::string what;
  void (*check)(Backend&);
};
std::vector<KernelCase> optimiser_cases();  // engine/kernel_test.cpp
std::vector<KernelCase> augment_cases();    // engine/augment_test.cpp

void run_on_each_backend(const std::vector<KernelCase>&);

}  // namespace snag
