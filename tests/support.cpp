#include "tests/support.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "base/random.h"
#include "kernels/cpu/targets.h"

#include <hwy/targets.h>  // for the targets listed before

namespace snag {

View put(Backend& backend, Shape s, const Numbers& x) {
  if (static_cast<std::size_t>(s.size()) != x.size())
    throw std::invalid_argument(text(s) + " given " + std::to_string(x.size()) + " numbers");
  const std::vector<real> host(x.begin(), x.end());
  auto* data = static_cast<real*>(backend.alloc(host.size() * sizeof(real)));
  backend.upload(data, host.data(), host.size() * sizeof(real));
  return {data, s};
}

Numbers get(Backend& backend, ConstView x) {
  std::vector<real> host(static_cast<std::size_t>(x.shape.size()));
  backend.download(host.data(), x.data, host.size() * sizeof(real));
  return {host.begin(), host.end()};
}

Counter put_counter(Backend& backend, std::int32_t value) {
  const Counter counter{static_cast<std::int32_t*>(backend.alloc(sizeof value))};
  backend.upload(counter.data, &value, sizeof value);
  return counter;
}

double dot(const Numbers& a, const Numbers& b) {
  if (a.size() != b.size()) throw std::invalid_argument("dot: sizes differ");
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double normalised_error(const Numbers& x, const Numbers& reference) {
  if (x.size() != reference.size()) return std::numeric_limits<double>::infinity();
  double error = 0;
  for (std::size_t i = 0; i < x.size(); ++i) error += (x[i] - reference[i]) * (x[i] - reference[i]);
  const double power = dot(reference, reference), relative = error == 0 ? 0 : error / power;
  return std::isfinite(relative) && std::isfinite(power) ? relative : std::numeric_limits<double>::infinity();
}

Numbers gaussian(int n, std::uint64_t seed, std::uint32_t row) {
  Numbers x;
  const auto count = static_cast<std::size_t>(n);
  x.reserve(count + 3);
  while (x.size() < count) {  // a draw has four words, two of which make two numbers
    const Draw u = philox(seed, Stream::sample, row, x.size());
    for (const int i : {0, 2}) {
      const double radius = std::sqrt(-2 * std::log(1 - u.uniform(i))), angle = 6.283185307179586 * u.uniform(i + 1);
      x.push_back(static_cast<float>(radius * std::cos(angle)));
      x.push_back(static_cast<float>(radius * std::sin(angle)));
    }
  }
  x.resize(count);
  return x;
}

namespace {

constexpr std::size_t kArena = std::size_t{512} << 20;

void dispatch_to(std::int64_t sets) {
  hwy::SetSupportedTargetsForTest(sets);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

struct Tuned {
  std::unique_ptr<Backend> tuned = make_cpu_backend({.threads = 2, .arena_bytes = kArena, .poison = true});
};

// While it lives, tuned kernels run in the form for one instruction set.
class OneInstructionSet : private Tuned, public CountingBackend {
 public:
  explicit OneInstructionSet(std::int64_t set) : CountingBackend(*tuned) { dispatch_to(set); }
  ~OneInstructionSet() override { dispatch_to(0); }
};

}  // namespace

const std::vector<TestBackend>& test_backends() {
  static const std::vector<TestBackend> backends = [] {
    std::vector<TestBackend> all;
    for (const std::int64_t set : hwy::SupportedAndGeneratedTargets())
      all.push_back({std::string("cpu, 2 threads, ") + hwy::TargetName(set),
                     [set] { return std::make_unique<OneInstructionSet>(set); }});
    all.push_back(
        {"cpu, portable", [] { return make_cpu_backend({.arena_bytes = kArena, .portable = true, .poison = true}); }});
    return all;
  }();
  return backends;
}

std::unique_ptr<Backend> portable_backend() { return test_backends().back().make(); }

int CountingBackend::total() const { return std::accumulate(counts_.begin(), counts_.end(), 0); }

}  // namespace snag
