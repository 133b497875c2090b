#include "models/epoch.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/shuffle.h"

namespace snag {
namespace {

enum Kind : std::uint32_t { kNormal, kAnomalous };

// Items begin .. begin + count of the endless sequence of permutations of 0 .. n-1.
std::vector<std::int32_t> endless(std::int64_t begin, int count, int n, std::uint64_t seed, Kind kind) {
  std::vector<std::int32_t> items;
  std::vector<int> pass;
  for (std::int64_t p = begin; p < begin + count; ++p) {
    if (pass.empty() || p % n == 0)
      pass = permutation(n, seed, Stream::order, 2 * static_cast<std::uint32_t>(p / n) + kind);
    items.push_back(pass[static_cast<std::size_t>(p % n)]);
  }
  return items;
}

}  // namespace

Epochs::Epochs(int normal, int anomalous, int batch_size, std::uint64_t seed)
    : normal_(normal), anomalous_(anomalous), turns_(batch_size == 1 && anomalous > 0), seed_(seed) {
  normal_slots_ = turns_ || anomalous == 0 ? batch_size : batch_size / 2;
  anomalous_slots_ = anomalous == 0 ? 0 : turns_ ? 1 : batch_size / 2;
  if (normal_slots_ > normal || anomalous_slots_ > anomalous)
    throw Error(Exit::usage, "--batch-size " + std::to_string(batch_size) + " takes " + std::to_string(normal_slots_) +
                                 " normal and " + std::to_string(anomalous_slots_) +
                                 " anomalous images a step, but the training set has " + std::to_string(normal) +
                                 " and " + std::to_string(anomalous) + ": choose a smaller batch or more images");
  rounds_ = (normal + normal_slots_ - 1) / normal_slots_;
  steps_ = turns_ ? 2 * rounds_ : rounds_;
}

std::vector<std::int32_t> Epochs::order(int epoch) const {
  const auto items = [&](int slots, int n, Kind kind) {
    return endless(std::int64_t{epoch} * rounds_ * slots, rounds_ * slots, n, seed_, kind);
  };
  const std::vector<std::int32_t> normal = items(normal_slots_, normal_, kNormal),
                                  anomalous = items(anomalous_slots_, std::max(anomalous_, 1), kAnomalous);
  std::vector<std::int32_t> order;
  for (int r = 0; r < rounds_; ++r) {
    for (int i = 0; i < normal_slots_; ++i) order.push_back(normal[static_cast<std::size_t>(r * normal_slots_ + i)]);
    for (int i = 0; i < anomalous_slots_; ++i)
      order.push_back(normal_ + anomalous[static_cast<std::size_t>(r * anomalous_slots_ + i)]);
  }
  return order;
}

}  // namespace snag
