#include <algorithm>
#include <utility>

#include "kernels/simt/device.h"
#include "kernels/simt/fiber.h"
#include "kernels/simt/sanitizer.h"
#include "kernels/simt/simt.h"

namespace snag::simt {
namespace {

constexpr std::size_t kMost = 32;  // the first tell enough
std::vector<std::string> found;

std::string text(const uint3& i) {
  return "(" + std::to_string(i.x) + "," + std::to_string(i.y) + "," + std::to_string(i.z) + ")";
}

}  // namespace

Options& options() {
  static Options the;
  return the;
}

const std::vector<std::string>& findings() { return found; }
std::vector<std::string> take_findings() { return std::exchange(found, {}); }

void report(const std::string& finding, const Where& where) {
  const tsan::Unwatched scope;
  std::string line = finding + ", at " + where.file_name() + ":" + std::to_string(where.line());
  if (Fiber::running()) line += ", block " + text(blockIdx);
  if (found.size() < kMost && std::find(found.begin(), found.end(), line) == found.end()) found.push_back(line);
}

}  // namespace snag::simt
