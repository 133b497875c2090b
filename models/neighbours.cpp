#include "models/neighbours.h"

#include <stdexcept>

#include "base/error.h"
#include "engine/ops.h"

namespace snag {
namespace {

constexpr const char* kCentre = "known.centre";
constexpr const char* kPrecision = "known.precision";
constexpr const char* kLatent = "known.latent";
constexpr const char* kSquareNorm = "known.square_norm";

constexpr wide kLeastVariance = 1e-3;  // of a latent's value, over the mean of all
constexpr double kLeastSquare = 1e-6;  // of a latent

int known_images(const Checkpoint& from) {
  const auto known = from.tensors.find(kLatent);
  if (known == from.tensors.end() || known->second.shape.size() != 2)
    throw Error(Exit::checkpoint,
                std::string("checkpoint has no matrix '") + kLatent + "': it belongs to a run with another score");
  return static_cast<int>(known->second.shape[0]);
}

}  // namespace

void check_neighbours(int neighbours, int normal) {
  if (neighbours > normal)
    throw Error(Exit::usage, "--neighbours " + std::to_string(neighbours) + " is more than the " +
                                 std::to_string(normal) + " normal training images: choose fewer");
}

Neighbours::Entries::Entries(int images, int values)
    : centre(layout.trained(kCentre, {.c = values}, 0, 0)),
      precision(layout.trained(kPrecision, {.n = 1, .c = values}, 0, 0)),
      latent(layout.trained(kLatent, {.n = images, .c = values}, 0, 0)),
      square_norm(layout.trained(kSquareNorm, {.c = images}, 0, 0)) {}

Neighbours::Neighbours(Tape& tape, const Entries& entries, int images, int values, int count)
    : backend_(tape.backend()),
      images_(images),
      values_(values),
      count_(count),
      entries_(entries),
      weights_(tape, entries.layout) {}

Neighbours::Neighbours(Tape& tape, int images, int values, int count)
    : Neighbours(tape, Entries(images, values), images, values, count) {
  check_neighbours(count, images);
}

Neighbours::Neighbours(Tape& tape, const Checkpoint& from, int values, int count)
    : Neighbours(tape, Entries(known_images(from), values), known_images(from), values, count) {
  if (count > images_)
    throw Error(Exit::checkpoint,
                "holds latents of " + std::to_string(images_) + " images, fewer than its neighbours: it is damaged");
  weights_.load(from);
}

void Neighbours::remember(const std::vector<real>& latents) {
  const auto n = static_cast<std::size_t>(images_), d = static_cast<std::size_t>(values_);
  if (latents.size() != n * d) throw std::logic_error("Neighbours: latents of another number or size");
  std::vector<wide> mean(d, 0), variance(d, 0);
  for (std::size_t i = 0; i < n * d; ++i) mean[i % d] += latents[i] / wide(n);
  for (std::size_t i = 0; i < n * d; ++i) {
    const wide off = latents[i] - mean[i % d];
    variance[i % d] += off * off / wide(n);
  }
  wide least = 0;
  for (const wide v : variance) least += kLeastVariance * v / wide(d);

  std::vector<real> centre(d), precision(d), latent(n * d), square_norm(n, 0);
  for (std::size_t j = 0; j < d; ++j) {
    centre[j] = static_cast<real>(-mean[j]);
    precision[j] = static_cast<real>(1 / (wide(d) * (variance[j] + least)));
  }
  for (std::size_t i = 0; i < n; ++i) {
    wide norm = 0;
    for (std::size_t j = 0; j < d; ++j) {
      const wide f = latents[i * d + j] + centre[j], scaled = precision[j] * f;
      latent[i * d + j] = static_cast<real>(2 * scaled);
      norm += scaled * f;
    }
    square_norm[i] = static_cast<real>(-norm);
  }
  const auto upload = [&](int entry, const std::vector<real>& values) {
    backend_.upload(view(entry).data, values.data(), sizeof(real) * values.size());
  };
  upload(entries_.centre, centre);
  upload(entries_.precision, precision);
  upload(entries_.latent, latent);
  upload(entries_.square_norm, square_norm);
}

Tensor Neighbours::distance(Tensor latent) const {
  const auto known = [&](int entry) { return weights_.trained(entry); };
  const auto times = [](Tensor x, Tensor matrix) { return matmul(x, matrix, false, true); };
  const Tensor all = reshape(latent, {.n = latent.shape().n, .c = latent.shape().image()}),
               e = add_bias(all, known(entries_.centre)), own = times(mul(e, e), known(entries_.precision)),
               rest = add_bias(times(e, known(entries_.latent)), known(entries_.square_norm)),
               nearest = add(own, affine(top_mean(rest, count_), -1));
  return mul(nearest, power(affine(image_mean(mul(all, all)), 1, kLeastSquare), -0.5));
}

}  // namespace snag
