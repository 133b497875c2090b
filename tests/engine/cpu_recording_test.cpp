// Steps recorded by the CPU backend.
#include "kernels/cpu/recording.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>

#include "tests/small_training.h"
#include "tests/support.h"

namespace snag {
namespace {

TEST_CASE("a recorded training has the bits of one whose steps are called anew") {
  const TrainingSet set = pictures(11, 13);
  std::vector<Config> all = variants();
  for (const int batch : {1, 2, 6}) {  // of so many channels that weight gradients are computed within Adam
    all.push_back(small("dual_gan"));
    all.back().width = 16;
    all.back().batch_size = batch;
  }
  for (const Config& config : all) {
    CAPTURE(config.model);
    CAPTURE(config.width);
    CAPTURE(config.batch_size);
    std::vector<std::string> sums;
    for (const bool eager : {false, true}) {
      const auto backend =
          make_cpu_backend({.threads = 2, .arena_bytes = std::size_t{1} << 28, .poison = true, .eager = eager});
      Trainer trainer(*backend, config, set);
      for (int s = 0; s < 3; ++s) trainer.run_step();
      sums.push_back(digest(trainer));
    }
    CHECK(sums[0] == sums[1]);
  }
}

// Memory for a step that nothing runs: two parameters of 4x4 convolutions between 32 channels, the gradient of each the
// sum of two weight gradients.
class Step {
 public:
  static constexpr Shape kBig{2, 32, 4, 4}, kSmall{2, 32, 2, 2}, kWeights{32, 32, 4, 4};

  Step() {
    for (View& d : gradient) d = take(kWeights);
  }
  View take(Shape s) {
    real* const data = memory_.data() + used_;
    used_ += static_cast<std::size_t>(s.size());
    return {data, s};
  }
  void compute(int i) {
    requests.emplace_back(
        ConvWeight{.dw = gradient.at(static_cast<std::size_t>(i)), .big = big, .small = small, .g = {}});
  }
  void adam() {
    Adam k{};
    k.w = w, k.m = m, k.v = v;
    k.g.count = 2;
    for (int j = 0; j < 2; ++j) {
      k.g.data[j] = gradient[static_cast<std::size_t>(2 * j)].data;
      k.g.more[j] = gradient[static_cast<std::size_t>(2 * j + 1)].data;
      k.g.begin[j + 1] = (j + 1) * kWeights.size();
    }
    requests.emplace_back(k);
  }
  void give_back(const real* from) { requests.emplace_back(GiveBack{0, reinterpret_cast<const std::byte*>(from)}); }
  void run(const Kernel& k) { requests.emplace_back(k); }

  // How many weight gradients Adam computes in the plan of all that; those left as they are must be all others.
  int within_adam() const {
    int within = 0, alone = 0;
    for (const Request& r : planned(requests)) {
      if (const auto* u = std::get_if<Update>(&r))
        for (const GradientProducts& g : u->products) within += g.two() ? 2 : 1;
      if (const auto* k = std::get_if<Kernel>(&r)) alone += std::holds_alternative<ConvWeight>(*k);
    }
    CHECK(within + alone == 4);
    return within;
  }

 private:
  std::vector<real> memory_ = std::vector<real>(std::size_t{1} << 18);
  std::size_t used_ = 0;

 public:
  View w = take({.c = 2 * kWeights.size()}), m = take(w.shape), v = take(w.shape), big = take(kBig),
       small = take(kSmall), other = take({});
  std::array<View, 4> gradient;
  std::vector<Request> requests;
};

TEST_CASE("weight gradients that Adam alone reads are computed within it") {
  struct Case {
    const char* name;
    std::function<void(Step&)> before, after;
    int within;
  };
  const auto none = [](Step&) {};
  const auto returned = [](Step& s) { s.give_back(s.big.data); };
  const std::vector<Case> cases{
      {"given back", none, returned, 4},
      {"its memory taken anew", none,
       [&](Step& s) {
         returned(s);
         s.run(Fill{.y = s.gradient[0], .value = 0});
       },
       4},
      {"kept behind the step", none, none, 0},
      {"given back in part", none, [](Step& s) { s.give_back(s.gradient[2].data); }, 2},
      {"read before",
       [](Step& s) {
         s.run(Affine{.y = s.other, .x = {s.gradient[1].data, {}}, .scale = 1, .shift = 0});
       },
       returned, 2},
      {"read behind", none,
       [&](Step& s) {
         s.run(Affine{.y = s.other, .x = {s.gradient[3].data + 7, {}}, .scale = 1, .shift = 0});
         returned(s);
       },
       2},
      {"changed before", [](Step& s) { s.run(Fill{.y = s.gradient[0], .value = 0}); }, returned, 2},
      {"an input changed before",
       [](Step& s) {
         s.run(Fill{.y = {s.big.data + 5, {}}, .value = 0});
       },
       returned, 0},
      {"an input given back before", [](Step& s) { s.give_back(s.small.data); }, returned, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Step s;
    for (int i = 0; i < 4; ++i) s.compute(i);
    c.before(s);
    s.adam();
    c.after(s);
    CHECK(s.within_adam() == c.within);
  }
}

TEST_CASE("a step that cannot be recorded is refused") {
  const auto backend = make_cpu_backend({.threads = 1, .arena_bytes = 1 << 20});
  const View x = put(*backend, {}, {1});
  CHECK_THROWS_AS(backend->record([&] { backend->alloc(64); }), std::logic_error);
  CHECK_THROWS_AS(backend->record([&] { get(*backend, x); }), std::logic_error);
  CHECK_THROWS_AS(backend->record([&] { backend->upload(x.data, x.data, sizeof(real)); }), std::logic_error);
  const auto step = backend->record([&] { backend->run(Fill{.y = x, .value = 2}); });
  step->run();
  CHECK(get(*backend, x) == Numbers{2});
  backend->alloc(64);
  CHECK_THROWS_AS(step->run(), std::logic_error);
}

}  // namespace
}  // namespace snag
