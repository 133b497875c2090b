#pragma once
#include <cstddef>

namespace snag {

// A position that is known not to be negative, as containers want it.
constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }

}  // namespace snag
