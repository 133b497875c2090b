#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "kernels/backend.h"

int main(int argc, char** argv) {
  if (!snag::cuda_available()) {
    std::puts("no CUDA device: skipped");
    return 77;
  }
  return doctest::Context(argc, argv).run();
}
