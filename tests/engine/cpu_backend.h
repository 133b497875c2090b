#pragma once
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <deque>
#include <functional>

#include "tests/support.h"

// The tuned kernels of the CPU backend against the portable ones, on host memory, so that a sanitizer sees every byte.
namespace snag {

// Float: rounding of sums of up to some thousand products. Double: the same with 2^-53.
inline constexpr double kTolerance = kDouble ? 1e-26 : 1e-10;
inline constexpr int kGuard = 64;

// The operands of one kernel: inputs of exact size, outputs full of NaN between guards.
class Operands {
 public:
  ConstView in(Shape s) {
    const Numbers x = gaussian(s.size(), 7, static_cast<std::uint32_t>(memory_.size()));
    std::vector<real>& data = memory_.emplace_back();
    for (const double e : x) data.push_back(static_cast<real>(e + 0.5));  // a mean, so that few sums cancel
    return {data.data(), s};
  }
  ConstView in_positive(Shape s) {
    const ConstView x = in(s);
    for (real& e : memory_.back()) e = std::abs(e) + real(0.1);
    return x;
  }
  ConstView in_rounded(Shape s) {
    const ConstView x = in(s);
    for (real& e : memory_.back()) e = std::round(e);
    return x;
  }
  View out(Shape s) {
    std::vector<real>& data = memory_.emplace_back(static_cast<std::size_t>(s.size()) + 2 * kGuard);
    std::memset(data.data(), 0xFF, data.size() * sizeof(real));
    outputs_.push_back({data.data() + kGuard, s});
    return outputs_.back();
  }
  View in_out(ConstView start) {
    const View v = out(start.shape);
    std::copy_n(start.data, start.shape.size(), v.data);
    return v;
  }
  Counter counter(std::int32_t value) { return {integers({value})}; }
  std::int32_t* integers(std::vector<std::int32_t> values) { return integers_.emplace_back(std::move(values)).data(); }
  std::uint8_t* bytes(int count) {
    std::vector<std::uint8_t>& b = bytes_.emplace_back();
    for (int i = 0; i < count; ++i) b.push_back(static_cast<std::uint8_t>(i * 37 % 256));
    return b.data();
  }

  bool guards_hold() const {
    const std::vector<unsigned char> untouched(kGuard * sizeof(real), 0xFF);
    for (const View& v : outputs_)
      for (const real* guard : {v.data - kGuard, v.data + v.shape.size()})
        if (std::memcmp(guard, untouched.data(), untouched.size()) != 0) return false;
    return true;
  }
  std::vector<real> results() const {
    std::vector<real> all;
    for (const View& v : outputs_) all.insert(all.end(), v.data, v.data + v.shape.size());
    return all;
  }

 private:
  std::deque<std::vector<real>> memory_;
  std::deque<std::vector<std::int32_t>> integers_;
  std::deque<std::vector<std::uint8_t>> bytes_;
  std::vector<View> outputs_;
};

struct Case {
  std::string name;
  std::function<Kernel(Operands&)> build;
};

inline std::vector<real> result(Backend& backend, const Case& c) {
  Operands operands;
  backend.run(c.build(operands));
  CHECK(operands.guards_hold());
  return operands.results();
}

inline bool same_bits(const std::vector<real>& a, const std::vector<real>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(real)) == 0;
}

// Equal to the portable form with every instruction set.
inline void check_against_portable(const std::vector<Case>& cases) {
  std::vector<std::vector<real>> expected;
  {
    const auto portable = portable_backend();
    for (const Case& c : cases) expected.push_back(result(*portable, c));
  }
  for (const TestBackend& device : test_backends()) {
    const auto backend = device.make();
    for (std::size_t i = 0; i < cases.size(); ++i) {
      CAPTURE(device.name);
      CAPTURE(cases[i].name);
      const std::vector<real> r = result(*backend, cases[i]);
      CHECK(normalised_error({r.begin(), r.end()}, {expected[i].begin(), expected[i].end()}) <= kTolerance);
    }
  }
}

// Bit for bit the same with any number of threads.
inline void check_threads(const std::vector<Case>& cases) {
  std::vector<std::vector<real>> single;
  for (const int threads : {1, 2, 3, 7}) {
    const auto backend = make_cpu_backend({.threads = threads, .poison = true});
    for (std::size_t i = 0; i < cases.size(); ++i) {
      CAPTURE(threads);
      CAPTURE(cases[i].name);
      if (threads == 1)
        single.push_back(result(*backend, cases[i]));
      else
        CHECK(same_bits(result(*backend, cases[i]), single[i]));
    }
  }
}

inline void check(const std::vector<Case>& cases) {
  if (!kLooksForRaces) check_against_portable(cases);
  check_threads(cases);
}

}  // namespace snag
