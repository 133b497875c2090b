#include "models/gan.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <map>
#include <stdexcept>

#include "models/judge.h"
#include "models/saved_scorer.h"
#include "tests/small_training.h"
#include "tests/support.h"

namespace snag {
namespace {

constexpr int kImages = 4, kNormal = 6;

Config small() {
  Config c;
  c.width = 4;
  c.batch_size = kImages;
  return c;
}

struct Fixture {
  explicit Fixture(const Config& config)
      : backend(make_cpu_backend({.threads = 2, .arena_bytes = std::size_t{1} << 28, .poison = true})),
        counting(*backend),
        tape(counting),
        step(make_counter(counting)),
        gan(tape, config, 100, step, kNormal) {}

  Batch batch() {
    const Shape s{kImages, 1, kSide, kSide};
    Numbers x = gaussian(s.size(), 9);
    for (double& v : x) v = std::tanh(v);
    return {put(tape, s, x), kImages / 2, kImages / 2};
  }

  std::unique_ptr<Backend> backend;
  CountingBackend counting;
  Tape tape;
  Counter step;
  Gan gan;
};

double largest(const std::vector<Tensor>& gradients) {
  double most = 0;
  for (const Tensor& g : gradients)
    if (g)
      for (const double v : get(g)) most = std::max(most, std::abs(v));
  return most;
}

const std::map<std::string, double Config::*> kGeneratorLosses{
    {"reconstruction_normal", &Config::reconstruction_weight},
    {"patch_normal", &Config::patch_weight},
    {"latent_normal", &Config::latent_weight},
    {"adversarial_normal", &Config::adversarial_normal_weight},
    {"abc_anomalous", &Config::abc_weight},
    {"adversarial_anomalous", &Config::adversarial_anomalous_weight}};

TEST_CASE("each of the six generator losses alone gives every parameter of G a gradient") {
  for (const auto& [name, weight] : kGeneratorLosses) {
    CAPTURE(name);
    Config config = small();
    for (const auto& [other, w] : kGeneratorLosses) config.*w = 0;
    config.*weight = 1;
    Fixture f(config);
    const Batch batch = f.batch();
    const Reconstruction y = f.gan.reconstruct(batch.x);
    const std::vector<Tensor> g = f.tape.grad(f.gan.generator_loss(batch, y), f.gan.generator_weights().trained());
    for (const Tensor& each : g) REQUIRE(each);
    CHECK(largest(g) > 1e-8);
    for (const Tensor& each : g) CHECK(largest({each}) > 0);
  }
}

TEST_CASE("a loss's weight scales its gradient, and weights add up") {
  Config config = small();
  const auto gradient = [](const Config& c) {
    Fixture f(c);
    const Batch batch = f.batch();
    const std::vector<Tensor> g =
        f.tape.grad(f.gan.generator_loss(batch, f.gan.reconstruct(batch.x)), f.gan.generator_weights().trained());
    Numbers all;
    for (const Tensor& each : g)
      for (const double v : get(each)) all.push_back(v);
    return all;
  };
  const Numbers total = gradient(config);
  Numbers sum(total.size(), 0);
  for (const auto& [name, weight] : kGeneratorLosses) {
    Config alone = config;
    for (const auto& [other, w] : kGeneratorLosses) alone.*w = 0;
    alone.*weight = 1;
    const Numbers g = gradient(alone);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += config.*weight * g[i];
  }
  CHECK(normalised_error(sum, total) < (kDouble ? 1e-20 : 1e-8));
}

TEST_CASE("normal and anomalous images go through G as one batch") {
  Fixture f(small());
  const Batch batch = f.batch();
  f.counting.reset();
  const Reconstruction y = f.gan.reconstruct(batch.x);
  CHECK(f.counting.count<BatchNormStats>() == 6);  // once per normalised layer
  CHECK(y.image.shape() == Shape{kImages, 1, kSide, kSide});
  CHECK(y.latent.shape() == Shape{kImages, 32, 2, 2});
}

TEST_CASE("a discriminator sees real and made images in one pass, each population with its own statistics") {
  Fixture f(small());
  const Batch batch = f.batch();
  f.counting.reset();
  f.gan.train(batch);
  // six layers of G; three of each discriminator when it learns, three when G does
  CHECK(f.counting.count<BatchNormStats>() == 6 + 2 * (3 + 3));
  CHECK(f.counting.count<Adam>() == 3);
}

TEST_CASE("a step leaves the arena as it found it and changes every network") {
  Fixture f(small());
  const Batch batch = f.batch();
  const Numbers before = get(f.counting, f.gan.generator_weights().flat_trained());
  const Tape::Mark mark = f.tape.mark();
  Checkpoint start, end;
  f.gan.save(start);
  f.gan.train(batch);
  f.tape.rewind(mark);
  f.gan.save(end);
  CHECK(get(f.counting, f.gan.generator_weights().flat_trained()) != before);
  for (const char* name : {"G.encoder.0.conv.weight", "G.decoder.3.conv.weight", "N.0.conv.weight", "N.4.conv.weight",
                           "AN.0.conv.weight", "AN.4.conv.weight", "G.encoder.1.norm.running_mean"}) {
    CAPTURE(name);
    REQUIRE(start.tensors.contains(name));
    CHECK(start.tensors.at(name).bytes != end.tensors.at(name).bytes);
  }
}

TEST_CASE("the two discriminators start from different weights") {
  Fixture f(small());
  Checkpoint c;
  f.gan.save(c);
  CHECK(c.tensors.at("N.1.conv.weight").bytes != c.tensors.at("AN.1.conv.weight").bytes);
}

TEST_CASE("initial weights have the stated distribution") {
  Config config = small();
  config.width = 32;
  Fixture f(config);
  Checkpoint c;
  f.gan.save(c);
  const auto moments = [&](const std::string& name) {
    const std::string& bytes = c.tensors.at(name).bytes;
    const auto* x = reinterpret_cast<const real*>(bytes.data());
    const std::size_t n = bytes.size() / sizeof(real);
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < n; ++i) sum += x[i];
    for (std::size_t i = 0; i < n; ++i) squares += (x[i] - sum / double(n)) * (x[i] - sum / double(n));
    return std::pair{sum / double(n), std::sqrt(squares / double(n))};
  };
  const auto [mean, deviation] = moments("G.encoder.3.conv.weight");  // half a million draws
  CHECK(std::abs(mean) < 2e-4);
  CHECK(std::abs(deviation - 0.02) < 2e-4);
  const auto [norm_mean, norm_deviation] = moments("G.encoder.3.norm.weight");  // 256 draws
  CHECK(std::abs(norm_mean - 1) < 5e-3);
  CHECK(std::abs(norm_deviation - 0.02) < 4e-3);
}

TEST_CASE("the generator is built with and without skips, dense and convolutional, at any width") {
  for (const char* model : {"dual_gan", "gan", "autoencoder", "restore"})
    for (const bool skip : {true, false})
      for (const int width : {1, 3, 8}) {
        Config config = small();
        config.model = model;
        set_defaults(config);
        config.width = width;
        config.skip = skip;
        Fixture f(config);
        Batch batch = f.batch();
        if (config.normal_only) batch.normal = kImages, batch.anomalous = 0;
        const Tape::Mark mark = f.tape.mark();
        f.gan.train(batch);
        f.tape.rewind(mark);
        for (const std::optional<double>& loss : f.gan.losses().take()) CHECK((!loss || std::isfinite(*loss)));
        if (f.gan.remembers()) f.gan.remember(upload_images(f.counting, pictures(kNormal, 0).images));
        const Scored scored = f.gan.score(batch.x);
        CHECK(scored.score.shape() == Shape{.n = kImages});
        for (const double s : get(scored.score)) CHECK(std::isfinite(s));
        CHECK(scored.image.shape() == batch.x.shape());
      }
}

double mean_of(const Numbers& x, std::size_t image, std::size_t size, const std::function<double(std::size_t)>& term) {
  double sum = 0;
  for (std::size_t i = image * size; i < (image + 1) * size; ++i) sum += term(i);
  return sum / static_cast<double>(x.size() / kImages);
}

TEST_CASE("restore's score by error is that of the image made of each of the four turns, summed") {
  Config config;
  config.model = "restore";
  set_defaults(config);
  config.width = 4;
  config.score = "l2";
  Fixture f(config);
  const Tensor x = f.batch().x;
  const Numbers upright = get(x), score = get(f.gan.score(x).score);
  Numbers expected(kImages, 0);
  for (int turns = 0; turns < 4; ++turns) {
    const Numbers made = get(f.gan.score(quarter_turn(x, turns)).image);
    for (std::size_t n = 0; n < kImages; ++n)
      expected[n] += mean_of(made, n, kPixels, [&](std::size_t i) { return std::pow(made[i] - upright[i], 2); });
  }
  for (std::size_t n = 0; n < kImages; ++n)
    CHECK(score[n] == doctest::Approx(expected[n]).epsilon(kDouble ? 1e-12 : 1e-5));
}

TEST_CASE("a score of several terms is their sum") {
  const auto score = [](const char* name) {
    Config config = small();
    config.score = name;
    Fixture f(config);
    return get(f.gan.score(f.batch().x).score);
  };
  const Numbers l2 = score("l2"), patch = score("patch"), latent = score("latent"), sum = score("l2+latent+patch");
  for (std::size_t n = 0; n < kImages; ++n)
    CHECK(sum[n] == doctest::Approx(l2[n] + patch[n] + latent[n]).epsilon(kDouble ? 1e-12 : 1e-5));
}

TEST_CASE("the latent score is the mean distance of the codes of the image and of its reconstruction") {
  Config config = small();
  config.score = "latent";
  Fixture f(config);
  const Tensor x = f.batch().x;
  const Scored scored = f.gan.score(x);
  const GanScorer network(config);
  const Pass pass{f.gan.generator_weights(), Statistics::running};  // not yet trained: they are their own average
  const Numbers score = get(scored.score), of_x = get(network.encode(pass, x)),
                of_y = get(network.encode(pass, clamp(scored.image, -1, 1)));
  const std::size_t size = of_x.size() / kImages;
  for (std::size_t n = 0; n < kImages; ++n)
    CHECK(score[n] == doctest::Approx(mean_of(of_x, n, size, [&](std::size_t i) {
                        return std::abs(of_x[i] - of_y[i]);
                      })).epsilon(kDouble ? 1e-12 : 1e-5));
}

TEST_CASE("a saved detector's weights are frozen, those of its critic too") {
  Config config = small();
  config.score = "discriminator";
  Fixture f(config);
  Checkpoint weights;
  f.gan.save_weights(weights);
  const SavedScorer scorer(f.tape, config, weights);
  for (const Weights::Named& w : scorer.entries()) {
    CAPTURE(w.name);
    CHECK_THROWS_AS(f.backend->run(Fill{.y = w.view, .value = 0}), std::logic_error);
  }
}

TEST_CASE("the discriminator's score is how far that of normal images is from taking the image for one") {
  Config config = small();
  config.score = "discriminator";
  Fixture f(config);
  for (int step = 0; step < 3; ++step) f.gan.train(f.batch());
  Checkpoint weights;
  f.gan.save_weights(weights);
  const Tensor x = f.batch().x;
  const Numbers score = get(f.gan.score(x).score), saved = get(SavedScorer(f.tape, config, weights).score(x).score);

  const Critic critic(config, "N");
  Weights of_critic(f.tape, critic.layout(), 1);
  of_critic.load(weights);
  const Numbers p = get(sigmoid(critic({of_critic}, x)));
  const std::size_t parts = p.size() / kImages;
  CHECK(parts == 4);
  for (std::size_t n = 0; n < kImages; ++n) {
    CHECK(score[n] == doctest::Approx(mean_of(p, n, parts, [&](std::size_t i) {
                        return std::pow(1 - p[i], 2);
                      })).epsilon(kDouble ? 1e-12 : 1e-5));
    CHECK(saved[n] == score[n]);
  }
}

}  // namespace
}  // namespace snag
