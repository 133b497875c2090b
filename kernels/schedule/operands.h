#pragma once
#include <cstddef>
#include <functional>
#include <vector>

#include "kernels/kernels.h"

namespace snag {

// Memory that a kernel reads, or writes; what it writes it may read, too.
struct Operand {
  const std::byte* begin;
  std::size_t bytes;
  bool written;
};

template <class Scalar>
Operand reads(const Scalar* data, Shape shape) {
  return {reinterpret_cast<const std::byte*>(data), sizeof(Scalar) * static_cast<std::size_t>(shape.size()), false};
}
template <class Scalar>
Operand writes(Scalar* data, Shape shape) {
  return {reinterpret_cast<const std::byte*>(data), sizeof(Scalar) * static_cast<std::size_t>(shape.size()), true};
}
inline Operand reads(ConstView v) { return reads(v.data, v.shape); }
inline Operand writes(View v) { return writes(v.data, v.shape); }

inline bool overlap(const Operand& a, const Operand& b) {
  return a.begin < b.begin + b.bytes && b.begin < a.begin + a.bytes;
}
// May one of the two write what the other reads or writes?
inline bool conflict(const Operand& a, const Operand& b) { return (a.written || b.written) && overlap(a, b); }

// All device memory that a kernel touches, found in its members: a View is written, a ConstView is read. A constant
// that no kernel writes, as the data set, may be missing.
std::vector<Operand> operands(const Kernel&);

// Where memory at an address lies instead.
using Relocation = std::function<const std::byte*(const std::byte*)>;
// Makes a kernel use memory elsewhere: all of what operands() finds.
void relocate(Kernel&, const Relocation&);

}  // namespace snag
