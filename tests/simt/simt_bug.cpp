// simt_bug --list            name and sign of every planted bug
// simt_bug NAME bug|good     runs the kernel in all orders and fills; exits 1 when simt finds something
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>

#include "kernels/cuda/check.h"
#include "kernels/simt/simt.h"
#include "tests/simt/planted_bugs.h"

namespace snag {
namespace {

using Values = std::vector<float>;

struct Setting {
  simt::Order order;
  unsigned char fill;
  const char* name;
};
constexpr Setting kSettings[] = {
    {simt::Order::forward, 0xFF, "forward, fill 0xFF"},
    {simt::Order::reverse, 0xFF, "reverse, fill 0xFF"},
    {simt::Order::random, 0xFF, "random, fill 0xFF"},
    {simt::Order::forward, 0x00, "forward, fill 0x00"},
};

std::vector<PlantedBug> all_bugs() {
  std::vector<PlantedBug> all = planted_block_bugs();
  for (const PlantedBug& bug : planted_warp_bugs()) all.push_back(bug);
  return all;
}

Values run(const PlantedBug& planted, bool bug, const Values& x) {
  constexpr std::size_t bytes = kPlantedSize * sizeof(float);
  float *device_x = nullptr, *device_y = nullptr;
  check(cudaMalloc(reinterpret_cast<void**>(&device_x), bytes));
  check(cudaMalloc(reinterpret_cast<void**>(&device_y), bytes));
  check(cudaMemcpy(device_x, x.data(), bytes, cudaMemcpyHostToDevice));
  planted.run({.x = device_x, .y = device_y, .stream = nullptr, .bug = bug});
  Values y(kPlantedSize);
  check(cudaMemcpy(y.data(), device_y, bytes, cudaMemcpyDeviceToHost));
  check(cudaFree(device_x));
  check(cudaFree(device_y));
  y.resize(static_cast<std::size_t>(planted.checked));
  return y;
}

bool differs(const Values& a, const Values& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) != 0;
}

int find(const PlantedBug& planted, bool bug) {
  Values x(kPlantedSize), expected, first;
  for (int i = 0; i < kPlantedSize; ++i) x[static_cast<std::size_t>(i)] = std::sin(static_cast<float>(i + 1));
  for (int i = 0; i < planted.checked; ++i) expected.push_back(planted.expected(x.data(), i));
  bool found = false;
  for (const Setting& setting : kSettings) {
    simt::options().order = setting.order;
    simt::options().fill = setting.fill;
    try {
      const Values y = run(planted, bug, x);
      if (differs(y, expected)) {
        std::printf("wrong result (%s)\n", setting.name);
        found = true;
      }
      if (first.empty()) first = y;
      if (differs(y, first)) std::printf("result depends on the order of threads or the fill (%s)\n", setting.name);
    } catch (const Error& error) {
      std::printf("%s\n", error.what());
      simt::take_findings();
      found = true;
    }
  }
  return found;
}

}  // namespace
}  // namespace snag

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "", which = argc > 2 ? argv[2] : "";
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // a sanitizer may end the program
  for (const snag::PlantedBug& planted : snag::all_bugs()) {
    if (name == "--list") std::printf("%s\t%s\n", planted.name, planted.sign);
    if (name == planted.name) return snag::find(planted, which == "bug");
  }
  if (name == "--list") return 0;
  std::fprintf(stderr, "usage: simt_bug --list | NAME bug|good\n");
  return 2;
}
