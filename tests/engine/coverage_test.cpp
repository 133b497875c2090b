#include <cxxabi.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <string>

#include "tests/kernel_cases.h"
#include "tests/op_cases.h"

namespace snag {
namespace {

std::set<std::string> declared_ops() {
  const std::string path = SNAG_SOURCE_DIR "/engine/ops.h";
  std::ifstream header(path);
  REQUIRE_MESSAGE(header, path, " is not there: is SNAG_SOURCE_DIR the source tree?");
  std::set<std::string> ops;
  std::smatch found;
  for (std::string line; std::getline(header, line);)
    if (std::regex_search(line, found, std::regex("^Tensor (\\w+)\\("))) ops.insert(found[1]);
  return ops;
}

template <std::size_t... I>
std::vector<std::string> kernel_names(std::index_sequence<I...>) {
  const auto readable = [](const char* mangled) {
    const std::unique_ptr<char, decltype(&std::free)> name(abi::__cxa_demangle(mangled, nullptr, nullptr, nullptr),
                                                           std::free);
    return std::string(name.get());
  };
  return {readable(typeid(std::variant_alternative_t<I, Kernel>).name())...};
}

TEST_CASE("every op has a case, and every case an op") {
  std::set<std::string> proven;
  for (const OpCase& c : op_cases()) proven.insert(c.op);
  CHECK(declared_ops().size() > 30);
  CHECK(proven == declared_ops());
}

TEST_CASE("every op is compared at a size that keeps two threads busy") {
  std::set<std::string> large;
  for (const OpCase& c : op_cases())
    if (c.proof == Proof::parity) large.insert(c.op);
  CHECK(large == declared_ops());
}

TEST_CASE("every kernel is run by a case") {
  const std::unique_ptr<Backend> portable = portable_backend();
  CountingBackend backend(*portable);
  for (const OpCase& c : op_cases()) {
    if (c.proof == Proof::parity) continue;
    Tape tape(backend);
    const std::vector<Numbers> x = draw(c);
    std::vector<Tensor> in;
    for (std::size_t k = 0; k < x.size(); ++k) in.push_back(put(tape, c.inputs[k].shape, x[k]));
    tape.grad(sum(c.run(in)), in);
    tape.rewind({0, 0});
  }
  for (const auto& cases : {optimiser_cases(), augment_cases()})
    for (const KernelCase& c : cases) c.check(backend);
  constexpr auto kKernels = std::make_index_sequence<std::variant_size_v<Kernel>>();
  for (std::size_t i = 0; const std::string& name : kernel_names(kKernels)) {
    CAPTURE(name);
    CHECK(backend.count(i++) > 0);
  }
}

}  // namespace
}  // namespace snag
