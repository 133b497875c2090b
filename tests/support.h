#pragma once
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/ops.h"

namespace snag {

inline constexpr bool kDouble = sizeof(real) == sizeof(double);

using Numbers = std::vector<double>;  // elements in memory order

View put(Backend&, Shape, const Numbers&);
Numbers get(Backend&, ConstView);

inline Tensor put(Tape& tape, Shape s, const Numbers& x) {
  return tape.constant({&tape, -1, put(tape.backend(), s, x)});
}
inline Numbers get(const Tensor& x) { return get(x.tape->backend(), x.view); }
inline double scalar(const Tensor& x) { return get(x).at(0); }

// A counter in device memory.
Counter put_counter(Backend&, std::int32_t value);

double dot(const Numbers&, const Numbers&);
// sum (x - reference)^2 / sum reference^2; infinite where the sizes differ or either is not finite
double normalised_error(const Numbers& x, const Numbers& reference);

// `n` standard normal numbers, exact in float, a function of (seed, row).
Numbers gaussian(int n, std::uint64_t seed, std::uint32_t row = 0);

// The devices under test: the tuned CPU backend with 2 threads, once for each instruction set that this machine has,
// and the portable one. New memory is filled with NaN, so that nothing may rely on what it held. One lives at a time.
struct TestBackend {
  std::string name;
  std::function<std::unique_ptr<Backend>()> make;
};
const std::vector<TestBackend>& test_backends();
std::unique_ptr<Backend> portable_backend();  // the reference

// Under ThreadSanitizer numbers are not compared with references: that is done elsewhere, where it does not take
// minutes.
#ifdef __SANITIZE_THREAD__
inline constexpr bool kLooksForRaces = true;
#else
inline constexpr bool kLooksForRaces = false;
#endif

// Forwards to another backend and counts the kernels of each kind.
class CountingBackend : public Backend {
 public:
  explicit CountingBackend(Backend& backend) : backend_(backend) {}

  int count(std::size_t kernel) const { return counts_.at(kernel); }
  template <class K>
  int count() const {
    return counts_[Kernel(K{}).index()];
  }
  int total() const;
  void reset() { counts_ = {}; }

  void run(const Kernel& kernel) override {
    ++counts_.at(kernel.index());
    backend_.run(kernel);
  }
  void* alloc(std::size_t bytes) override { return backend_.alloc(bytes); }
  std::size_t mark() const override { return backend_.mark(); }
  void rewind(std::size_t mark) override { backend_.rewind(mark); }
  std::size_t peak() const override { return backend_.peak(); }
  void freeze(ConstView x) override { backend_.freeze(x); }
  void upload(void* device, const void* host, std::size_t bytes) override { backend_.upload(device, host, bytes); }
  void download(void* host, const void* device, std::size_t bytes) override { backend_.download(host, device, bytes); }
  std::unique_ptr<Recording> record(std::function<void()> step) override { return backend_.record(std::move(step)); }
  std::string name() const override { return backend_.name(); }

 private:
  Backend& backend_;
  std::array<int, std::variant_size_v<Kernel>> counts_{};
};

}  // namespace snag
