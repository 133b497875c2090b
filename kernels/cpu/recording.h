#pragma once
#include <cstddef>
#include <variant>
#include <vector>

#include "kernels/cpu/update.h"

namespace snag {

// What a recorded step asks of the backend, in order: memory of the arena, its return, kernels.
struct Take {
  std::size_t bytes;
};
struct GiveBack {
  std::size_t mark;
  const std::byte* begin;  // all memory from here on
};
using Request = std::variant<Kernel, Update, Take, GiveBack>;

// The same step with fewer passes over memory, bit for bit: weight gradients that nothing but Adam reads before their
// memory is given back are left out, and it computes them on the way.
std::vector<Request> planned(std::vector<Request>);

}  // namespace snag
