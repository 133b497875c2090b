#pragma once
#include <cstddef>

namespace snag {

// What this process may use: the machine's cores and memory, or less where affinity or a container's limit says so.
int usable_cores();
std::size_t usable_memory();

}  // namespace snag
