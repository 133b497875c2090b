#pragma once
#include <vector>

#include "kernels/simt/runtime.h"

struct CUgraph_st {
  std::vector<snag::simt::Node> nodes;  // in an order in which they may run
};
