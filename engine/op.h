#pragma once
#include <stdexcept>
#include <string>

#include "engine/ops.h"

// What the definitions of ops have in common.
namespace snag {

using Grads = std::vector<Tensor>;

// Throws std::invalid_argument that names both shapes where they do not go together.
inline void require(bool ok, const char* op, Shape a, Shape b) {
  if (!ok)
    throw std::invalid_argument(std::string(op) + ": shapes " + text(a) + " and " + text(b) + " do not go together");
}
// Uninitialised memory of x's shape.
inline Tensor like(Tensor x) { return x.tape->empty(x.shape()); }
// The elements of x from `begin` on as a tensor of shape s, in x's memory.
inline Tensor view(const char* op, Tensor x, int begin, Shape s) {
  return x.tape->record(op, {x.tape, -1, {x.view.data + begin, s}}, {x}, nullptr);
}
template <class K>
void run(Tensor x, const K& kernel) {
  x.tape->backend().run(kernel);
}

}  // namespace snag
