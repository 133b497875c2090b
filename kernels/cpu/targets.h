#pragma once
// Which instruction sets the kernels are compiled for: AVX-512, AVX2 and the baseline on x86, NEON on ARM. Left out:
// sets between the baseline and AVX2 (compile time, for machines of before 2013), and those whose vectors have no fixed
// size (a tile of accumulators is an array of vectors). To be included before any header of Highway.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
