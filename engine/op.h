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
template <class K>
void run(Tensor x, const K& kernel) {
  x.tape->backend().run(kernel);
}

}  // namespace snag
