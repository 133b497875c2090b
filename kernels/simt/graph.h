#pragma once
#include <vector>

#include "kernels/simt/runtime.h"

struct CUgraph_st {
  std::vector<snag::simt::Work> nodes;  // one after another, as one stream recorded them
};
