#pragma once
#include <string>

namespace snag {

// Prints what this machine has (processor, memory, GPU, driver, disk), whether the data are those of Fashion-MNIST, and
// trains and checks a small detector on made-up images for at most five seconds. Returns 0, or the exit code
// (base/error.h) of the first thing that fails. data: folder of the IDX files; "" for the package's.
int doctor(const std::string& data);

}  // namespace snag
