#include "kernels/cpu/machine.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

namespace snag {
namespace {

// The first number of a file; `otherwise` where there is none ("max", or no such file). Version 1 of control groups
// writes a huge number or -1 for "no limit".
double number_in(const char* path, double otherwise) {
  std::ifstream file(path);
  double value = 0;
  return file >> value && value > 0 ? value : otherwise;
}

double quota_in_cores(double otherwise) {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0, period = 0;
  if (file >> quota >> period && quota > 0 && period > 0) return quota / period;
  const double old_quota = number_in("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", 0);
  return old_quota > 0 ? old_quota / number_in("/sys/fs/cgroup/cpu/cpu.cfs_period_us", 1e5) : otherwise;
}

}  // namespace

int usable_cores() {
  const double cores = std::max(1u, std::thread::hardware_concurrency());
  return std::max(1, static_cast<int>(std::min(cores, quota_in_cores(cores))));
}

std::size_t usable_memory() {
  const double physical = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  return static_cast<std::size_t>(std::min({physical, number_in("/sys/fs/cgroup/memory.max", physical),
                                            number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes", physical)}));
}

}  // namespace snag
