// Steps recorded by the CPU backend.
#include "kernels/cpu/recording.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>

#include "base/error.h"
#include "tests/small_training.h"
#include "tests/support.h"

namespace snag {
namespace {

TEST_CASE("a recorded training has the bits of one whose steps are called anew") {
  const TrainingSet few = pictures(11, 13), many = pictures(80, 80);
  std::vector<Config> all = variants();
  // Of so many channels that weight gradients are computed within Adam; of so many images that activations are computed
  // again.
  for (const int batch : {1, 2, 6, 160}) {
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
      Trainer trainer(*backend, config, config.batch_size < 100 ? few : many);
      for (int s = 0; s < 3; ++s) trainer.run_step();
      sums.push_back(digest(trainer));
    }
    CHECK(sums[0] == sums[1]);
  }
}

// A step that nothing runs: two parameters of 4x4 convolutions between 32 channels, the gradient of each the sum of two
// weight gradients.
class TwoParameters {
 public:
  static constexpr Shape kBig{2, 32, 4, 4}, kSmall{2, 32, 2, 2}, kWeights{32, 32, 4, 4};

  void compute(int i) {
    recorder.run(ConvWeight{.dw = gradient.at(static_cast<std::size_t>(i)), .big = big, .small = small, .g = {}});
  }
  void read(ConstView x) { recorder.run(Affine{.y = other, .x = x, .scale = 1, .shift = 0}); }
  void adam() {
    Adam k{};
    k.w = w, k.m = m, k.v = v;
    k.g.count = 2;
    for (int j = 0; j < 2; ++j) {
      k.g.data[j] = gradient[static_cast<std::size_t>(2 * j)].data;
      k.g.more[j] = gradient[static_cast<std::size_t>(2 * j + 1)].data;
      k.g.begin[j + 1] = (j + 1) * kWeights.size();
    }
    recorder.run(k);
  }
  std::vector<Work> planned() {
    recorder.rewind(0);
    return with_early_updates(recorder.finish()).work;
  }
  // How many weight gradients Adam computes in the plan of all that; those left as they are must be all others.
  int within_adam() {
    int within = 0, alone = 0;
    for (const Work& work : planned()) {
      if (const auto* u = std::get_if<Update>(&work)) within += u->has(0) + u->has(1);
      if (const auto* k = std::get_if<Kernel>(&work)) alone += std::holds_alternative<ConvWeight>(*k);
    }
    CHECK(within + alone == 4);
    return within;
  }

 private:
  std::vector<real> outside_ = std::vector<real>(std::size_t{7} * 2 * kWeights.size());
  std::size_t used_ = 0;

 public:
  View outside(Shape s) {
    real* const data = outside_.data() + used_;
    used_ += static_cast<std::size_t>(s.size());
    return {data, s};
  }
  View inside(Shape s) {
    return {static_cast<real*>(recorder.alloc(sizeof(real) * static_cast<std::size_t>(s.size()))), s};
  }

  Recorder recorder{0};
  View w = outside({.c = 2 * kWeights.size()}), m = outside(w.shape), v = outside(w.shape), other = outside({});
  View big = inside(kBig), small = inside(kSmall);
  std::array<View, 4> gradient{inside(kWeights), inside(kWeights), inside(kWeights), inside(kWeights)};
};

TEST_CASE("weight gradients that Adam alone reads are computed within it") {
  struct Case {
    const char* name;
    std::function<void(TwoParameters&)> first, before, after;
    int within;
  };
  const auto none = [](TwoParameters&) {};
  const std::vector<Case> cases{
      {"read by Adam alone", none, none, none, 4},
      {"of memory that stays", [](TwoParameters& s) { s.gradient[0] = s.outside(TwoParameters::kWeights); }, none, none,
       2},
      {"read before", none,
       [](TwoParameters& s) {
         s.read({s.gradient[1].data, {}});
       },
       none, 2},
      {"read behind", none, none,
       [](TwoParameters& s) {
         s.read({s.gradient[3].data + 7, {}});
       },
       2},
      {"changed before", none, [](TwoParameters& s) { s.recorder.run(Fill{.y = s.gradient[0], .value = 0}); }, none, 2},
      // by what needs the old parameters, so that they cannot be updated before it
      {"an input changed before", none,
       [](TwoParameters& s) {
         s.recorder.run(Affine{.y = {s.big.data + 5, {}}, .x = s.w, .scale = 1, .shift = 0});
       },
       none, 0},
      {"an input changed behind", none, none,
       [](TwoParameters& s) {
         s.recorder.run(Affine{.y = {s.big.data + 5, {}}, .x = s.w, .scale = 1, .shift = 0});
       },
       4},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    TwoParameters s;
    c.first(s);
    for (int i = 0; i < 4; ++i) s.compute(i);
    c.before(s);
    s.adam();
    c.after(s);
    CHECK(s.within_adam() == c.within);
  }
}

TEST_CASE("a parameter is updated as soon as its gradient is there and its old value is no longer needed") {
  TwoParameters s;
  for (int i = 0; i < 4; ++i) s.compute(i);
  s.read({s.w.data, TwoParameters::kWeights});  // needs the first
  s.recorder.run(Fill{.y = s.other, .value = 0});
  s.adam();
  std::string order;
  for (const Work& work : s.planned()) {
    if (const auto* u = std::get_if<Update>(&work); u && u->adam.g.count == 1)
      order += u->adam.w.data == s.w.data ? "first, " : "second, ";
    if (const auto* k = std::get_if<Kernel>(&work)) {
      if (std::holds_alternative<Affine>(*k)) order += "reader, ";
      if (std::holds_alternative<Fill>(*k)) order += "fill, ";
    }
  }
  CHECK(order == "second, reader, first, fill, ");
}

// y = activated x, then other memory, then y is needed again. Nothing runs it.
class Activation {
 public:
  explicit Activation(int count) : x(inside(count)), y(inside(count)), large(inside(4 * count)) {
    recorder.run(Fill{.y = x, .value = 1});
    recorder.run(LeakyRelu{.y = y, .x = x, .slope = real(0.2)});
  }
  void crowd() {
    recorder.run(Fill{.y = large, .value = 1});
    recorder.run(Affine{.y = out, .x = {large.data, {}}, .scale = 1, .shift = 0});
  }
  void read(ConstView v) { recorder.run(Affine{.y = out, .x = {v.data, {}}, .scale = 1, .shift = 0}); }
  // The addresses that activations are written to in the plan of all that, and in the end are read from.
  std::vector<const real*> planned() {
    recorder.rewind(0);
    std::vector<const real*> all;
    const Step step = with_recomputation(recorder.finish());
    for (const Work& work : step.work) {
      const auto& kernel = std::get<Kernel>(work);
      if (const auto* k = std::get_if<LeakyRelu>(&kernel)) all.push_back(k->y.data);
      if (const auto* k = std::get_if<Affine>(&kernel); k && &work == &step.work.back()) all.push_back(k->x.data);
    }
    return all;
  }

 private:
  real result_ = 0;

 public:
  View inside(int count) {
    return {static_cast<real*>(recorder.alloc(sizeof(real) * static_cast<std::size_t>(count))), {.c = count}};
  }
  Recorder recorder{0};
  View x, y, large, out{&result_, {}};
};

TEST_CASE("a large activation does not live through the fullest moment, but is computed again") {
  constexpr int kLarge = 1 << 19;
  const auto times = [](int count, const std::function<void(Activation&)>& before,
                        const std::function<void(Activation&)>& after) {
    Activation a(count);
    before(a);
    a.crowd();
    after(a);
    a.read(a.x);
    a.read(a.y);
    const std::vector<const real*> all = a.planned();
    REQUIRE(all.size() >= 2);
    CHECK(all.back() == all[all.size() - 2]);  // reads what was written last
    return all.size() - 1;
  };
  const auto none = [](Activation&) {};
  const auto changes = [](View Activation::*what) {
    return [what](Activation& a) { a.recorder.run(Fill{.y = {(a.*what).data + 7, {}}, .value = 0}); };
  };
  CHECK(times(kLarge, none, none) == 2);
  CHECK(times(
            kLarge, [](Activation& a) { a.read(a.y); }, none) == 2);
  CHECK(times(1 << 10, none, none) == 1);                    // too small
  CHECK(times(kLarge, changes(&Activation::x), none) == 1);  // what it is computed from is lost
  CHECK(times(kLarge, none, changes(&Activation::x)) == 1);
  CHECK(times(kLarge, changes(&Activation::y), none) == 1);  // it is more than what the kernel computed
  CHECK(times(kLarge, none, changes(&Activation::y)) == 1);
}

// A chain of eight tensors of a quarter of the arena, each one more than the last.
TEST_CASE("a recorded step needs the memory of what lives at a time") {
  constexpr int kSize = (1 << 18) / sizeof(real);
  for (const bool poison : {false, true}) {
    const auto backend = make_cpu_backend({.threads = 1, .arena_bytes = 1 << 20, .poison = poison});
    const View result = put(*backend, {.c = 3}, {0, 0, 0});
    const auto chain = [&](int length, int kept) {
      return [=, &backend] {
        const std::size_t start = backend->mark();
        std::vector<View> x;
        for (int i = 0; i < length; ++i) {
          x.push_back({static_cast<real*>(backend->alloc(kSize * sizeof(real))), {.c = kSize}});
          if (i == 0)
            backend->run(Fill{.y = x[0], .value = 1});
          else
            backend->run(Affine{.y = x.back(), .x = x[x.size() - 2], .scale = 1, .shift = 1});
        }
        for (int i = 0; i < kept; ++i)  // the ends of the last tensors
          backend->run(Fill{.y = {x[x.size() - 1 - static_cast<std::size_t>(i)].data + kSize - 1, {}}, .value = 0});
        backend->run(Affine{.y = {result.data, {}}, .x = {x.back().data, {}}, .scale = 1, .shift = 0});
        backend->rewind(start);
      };
    };
    const auto step = backend->record(chain(8, 1));
    for (int i = 0; i < 2; ++i) {
      step->run();
      CHECK(get(*backend, result)[0] == 8);
    }
    try {
      backend->record(chain(8, 5));
      FAIL("no error");
    } catch (const Error& e) {
      CHECK(e.code() == Exit::device);
    }
    CHECK_NOTHROW(step->run());
  }
}

TEST_CASE("a step that cannot be recorded is refused") {
  const auto backend = make_cpu_backend({.threads = 1, .arena_bytes = 1 << 20});
  const View x = put(*backend, {}, {1});
  CHECK_THROWS_AS(backend->record([&] { backend->alloc(64); }), std::logic_error);
  CHECK_THROWS_AS(backend->record([&] { get(*backend, x); }), std::logic_error);
  CHECK_THROWS_AS(backend->record([&] {
    const std::size_t start = backend->mark();
    const View y{static_cast<real*>(backend->alloc(sizeof(real))), {}};
    backend->rewind(start);
    backend->run(Fill{.y = y, .value = 0});
  }),
                  std::logic_error);
  CHECK_THROWS_AS(backend->record([&] { backend->upload(x.data, x.data, sizeof(real)); }), std::logic_error);
  const auto step = backend->record([&] { backend->run(Fill{.y = x, .value = 2}); });
  step->run();
  CHECK(get(*backend, x) == Numbers{2});
  backend->alloc(64);
  CHECK_THROWS_AS(step->run(), std::logic_error);
}

}  // namespace
}  // namespace snag
