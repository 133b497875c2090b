#pragma once
#include <stdexcept>
#include <string>

namespace snag {

// How the CUDA backend multiplies in convolutions and products; sums are float in each.
enum class Precision {
  fp32,  // IEEE float
  tf32,  // operands rounded to 10 bits of mantissa, on tensor cores
  bf16   // operands rounded to 7 bits, or as in tf32 where that is faster
};

struct NamedPrecision {
  const char* name;
  Precision precision;
};
inline constexpr NamedPrecision kPrecisions[] = {
    {"fp32", Precision::fp32}, {"tf32", Precision::tf32}, {"bf16", Precision::bf16}};

inline std::string text(Precision p) { return kPrecisions[static_cast<int>(p)].name; }

// Throws std::invalid_argument where no precision has that name.
inline Precision precision_named(const std::string& name) {
  for (const NamedPrecision& p : kPrecisions)
    if (name == p.name) return p.precision;
  throw std::invalid_argument("no precision is named '" + name + "'");
}

}  // namespace snag
