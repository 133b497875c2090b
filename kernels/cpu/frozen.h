#pragma once
#include <cstddef>
#include <optional>
#include <vector>

#include "kernels/cpu/arena.h"
#include "kernels/schedule/operands.h"

namespace snag {

// What a packed form of weights depends on.
struct PackKey {
  const real* w;
  Shape shape;
  int stride;  // of the transpose, whose columns are of stride x stride groups; 0: columns of ConvDown
  int lanes;   // to a panel
  bool operator==(const PackKey&) const = default;
};

// Memory whose values stay (Backend::freeze), and the packed forms that kernels keep of it: as much memory again as the
// weights that were packed, given back when their region is.
class Frozen {
 public:
  void add(ConstView);
  // Forgets regions that reach past `end`, and all packed forms: the others are made again.
  void release(const std::byte* end);

  bool empty() const { return regions_.empty(); }
  bool holds(ConstView) const;
  // Throws std::logic_error where it writes to a region.
  void check(const Operand&) const;

  // The packed form, of `count` elements, which make(to) writes at its first use.
  template <class Make>
  const real* packed(const PackKey& key, std::size_t count, const Make& make) {
    for (const Pack& p : packs_)
      if (p.key == key) return p.data;
    if (!memory_) memory_.emplace(0, false);
    real* data = static_cast<real*>(memory_->alloc(sizeof(real) * count));
    make(data);
    packs_.push_back({key, data});
    return data;
  }

 private:
  struct Pack {
    PackKey key;
    const real* data;
  };
  std::vector<Operand> regions_;
  std::vector<Pack> packs_;
  std::optional<Arena> memory_;
};

}  // namespace snag
