#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "kernels/cpu/recording.h"

namespace snag {
namespace {

// Parameters of fewer elements stay together in one update: alone they would not be worth its start.
constexpr int kLeastAlone = 1 << 12;

using Operands = std::vector<Operand>;

bool conflict(const Operands& a, const Operands& b) {
  return std::any_of(a.begin(), a.end(), [&](const Operand& x) {
    return std::any_of(b.begin(), b.end(), [&](const Operand& y) { return conflict(x, y); });
  });
}

template <class K>
const K* kernel_of(const Work& w) {
  const auto* kernel = std::get_if<Kernel>(&w);
  return kernel ? std::get_if<K>(kernel) : nullptr;
}

// Adam of parameter j alone.
Adam alone(const Adam& all, int j) {
  const int begin = all.g.begin[j], size = all.g.begin[j + 1] - begin;
  const auto part = [&](View v) { return v.data ? View{v.data + begin, {.c = size}} : v; };
  Adam one = all;
  one.w = part(all.w), one.average = part(all.average), one.m = part(all.m), one.v = part(all.v);
  one.g = {};
  one.g.data[0] = all.g.data[j], one.g.more[0] = all.g.more[j];
  one.g.begin[1] = size;
  one.g.count = 1;
  return one;
}

class Planner {
 public:
  explicit Planner(Step step) : step_(std::move(step)), left_out_(step_.work.size()), behind_(step_.work.size()) {
    for (const Work& w : step_.work) touched_.push_back(operands(w));
  }

  Step plan() {
    for (std::size_t i = 1; i < step_.work.size(); ++i)
      if (const Adam* adam = kernel_of<Adam>(step_.work[i])) step_.work[i] = without_large(*adam, i);
    std::vector<Work> all;
    for (std::size_t i = 0; i < step_.work.size(); ++i) {
      if (!left_out_[i]) all.push_back(std::move(step_.work[i]));
      std::move(behind_[i].begin(), behind_[i].end(), std::back_inserter(all));
    }
    return {std::move(all), std::move(step_.memory)};
  }

 private:
  // Puts the updates of large parameters as early as they can be, and leaves the others.
  Update without_large(Adam adam, std::size_t at) {
    for (int j = 0; j < adam.g.count; ++j) {
      if (adam.g.begin[j + 1] - adam.g.begin[j] < kLeastAlone) continue;
      Update one{alone(adam, j)};
      const std::size_t after = last_conflict(operands(Work(one)), at);
      use_products(one, after, at);
      behind_[after].emplace_back(std::move(one));
      adam.g.data[j] = adam.g.more[j] = nullptr;
    }
    return {adam};
  }

  // The last work before `at` that one with these operands has to come after, or the first of all.
  std::size_t last_conflict(const Operands& of, std::size_t at) const {
    std::size_t i = at - 1;
    while (i > 0 && !conflict(touched_[i], of)) --i;
    return i;
  }

  // Where all that makes up the gradient can be computed by the update behind work `after`, it is.
  void use_products(Update& one, std::size_t after, std::size_t at) {
    real const *&data = one.adam.g.data[0], *&more = one.adam.g.more[0];
    const auto first = product(data, after, at), second = more ? product(more, after, at) : std::nullopt;
    if (!first || (more && !second)) return;
    one.product[0] = take_out(*first);
    if (second) one.product[1] = take_out(*second);
    data = more = nullptr;
  }
  ConvWeight take_out(std::size_t i) {
    ConvWeight k = *kernel_of<ConvWeight>(step_.work[i]);
    k.dw.data = nullptr;
    left_out_[i] = true;
    return k;
  }

  // The work that computes this gradient for the Adam at `at`, if it can as well be computed behind work `after`.
  std::optional<std::size_t> product(const real* gradient, std::size_t after, std::size_t at) const {
    for (std::size_t i = after + 1; i-- > 0;) {
      const auto* k = kernel_of<ConvWeight>(step_.work[i]);
      if (!k || k->dw.data != gradient) continue;
      if (computed_in_lines(*k) && inputs_last(*k, i, after) && only_read_by(at, k->dw, i)) return i;
      return {};
    }
    return {};
  }

  // Do the inputs stay as they are from work i through `after`?
  bool inputs_last(const ConvWeight& k, std::size_t i, std::size_t after) const {
    const Operands inputs{reads(k.big), reads(k.small)};
    for (std::size_t l = i + 1; l <= after; ++l)
      if (conflict(touched_[l], inputs)) return false;
    return true;
  }

  // Is what work i writes of the step's own memory, and touched later by `at` alone?
  bool only_read_by(std::size_t at, View result, std::size_t i) const {
    const Operand all = writes(result);
    if (step_.holder(all.begin) < 0) return false;
    for (std::size_t l = i + 1; l < touched_.size(); ++l)
      if (l != at && std::any_of(touched_[l].begin(), touched_[l].end(), [&](auto& o) { return overlap(o, all); }))
        return false;
    return true;
  }

  Step step_;
  std::vector<Operands> touched_;
  std::vector<char> left_out_;
  std::vector<std::vector<Work>> behind_;  // what comes behind each work
};

}  // namespace

Step with_early_updates(Step step) { return Planner(std::move(step)).plan(); }

}  // namespace snag
