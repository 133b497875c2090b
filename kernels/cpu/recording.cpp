#include "kernels/cpu/recording.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kernels/schedule/operands.h"

namespace snag {
namespace {

bool overlap(const Operand& a, const Operand& b) { return a.begin < b.begin + b.bytes && b.begin < a.begin + a.bytes; }

// What a request touches; memory that is given back counts as written.
std::vector<Operand> touched(const Request& r) {
  if (const auto* kernel = std::get_if<Kernel>(&r)) return operands(*kernel);
  if (const auto* back = std::get_if<GiveBack>(&r)) return {{back->begin, std::size_t{1} << 62, true}};
  return {};
}

template <class K>
const K* kernel_of(const Request& r) {
  const auto* kernel = std::get_if<Kernel>(&r);
  return kernel ? std::get_if<K>(kernel) : nullptr;
}

class Planner {
 public:
  explicit Planner(std::vector<Request> requests) : requests_(std::move(requests)), left_out_(requests_.size()) {
    for (const Request& r : requests_) touched_.push_back(touched(r));
  }

  std::vector<Request> plan() {
    for (std::size_t i = 0; i < requests_.size(); ++i)
      if (const Adam* adam = kernel_of<Adam>(requests_[i]))
        if (Update u = with_products(*adam, i); !u.products.empty()) requests_[i] = std::move(u);
    std::vector<Request> kept;
    for (std::size_t i = 0; i < requests_.size(); ++i)
      if (!left_out_[i]) kept.push_back(std::move(requests_[i]));
    return kept;
  }

 private:
  Update with_products(Adam adam, std::size_t at) {
    Update u;
    for (int j = 0; j < adam.g.count; ++j) {
      const auto first = product(adam.g.data[j], at);
      const auto second = adam.g.more[j] ? product(adam.g.more[j], at) : std::nullopt;
      if (!first || (adam.g.more[j] && !second)) continue;
      GradientProducts g{j, {}};
      for (const auto& [i, k] : {std::pair(first, 0), std::pair(second, 1)}) {
        if (!i) continue;
        g.product.at(static_cast<std::size_t>(k)) = *kernel_of<ConvWeight>(requests_[*i]);
        g.product.at(static_cast<std::size_t>(k)).dw.data = nullptr;
        left_out_[*i] = true;
      }
      adam.g.data[j] = adam.g.more[j] = nullptr;
      u.products.push_back(g);
    }
    u.adam = adam;
    return u;
  }

  // The request that computes this gradient for the Adam at `at`, if it can as well be computed there.
  std::optional<std::size_t> product(const real* gradient, std::size_t at) const {
    for (std::size_t i = at; i-- > 0;) {
      const auto* k = kernel_of<ConvWeight>(requests_[i]);
      if (!k || k->dw.data != gradient) continue;
      if (computed_in_lines(*k) && inputs_last(*k, i, at) && ends_in(k->dw, i, at)) return i;
      return {};
    }
    return {};
  }

  // Do the inputs stay as they are from request i through `at`?
  bool inputs_last(const ConvWeight& k, std::size_t i, std::size_t at) const {
    for (std::size_t l = i + 1; l <= at; ++l)
      for (const Operand& o : touched_[l])
        if (conflict(o, reads(k.big)) || conflict(o, reads(k.small))) return false;
    return true;
  }

  // Is what request i writes touched by `at` alone, then given back whole?
  bool ends_in(View result, std::size_t i, std::size_t at) const {
    const Operand all = writes(result);
    for (std::size_t l = i + 1; l < requests_.size(); ++l) {
      if (l == at) continue;
      if (const auto* back = std::get_if<GiveBack>(&requests_[l]); back && back->begin <= all.begin) return l > at;
      for (const Operand& o : touched_[l])
        if (overlap(o, all)) return false;
    }
    return false;
  }

  std::vector<Request> requests_;
  std::vector<std::vector<Operand>> touched_;
  std::vector<char> left_out_;
};

}  // namespace

std::vector<Request> planned(std::vector<Request> requests) { return Planner(std::move(requests)).plan(); }

}  // namespace snag
