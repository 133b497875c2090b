#include "kernels/cpu/frozen.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace snag {
namespace {

Operand region(ConstView x, bool written) {
  return {reinterpret_cast<const std::byte*>(x.data), sizeof(real) * static_cast<std::size_t>(x.shape.size()), written};
}

}  // namespace

void Frozen::add(ConstView x) { regions_.push_back(region(x, false)); }

void Frozen::release(const std::byte* end) {
  if (std::erase_if(regions_, [&](const Operand& r) { return r.begin + r.bytes > end; }) == 0) return;
  packs_.clear();
  memory_.reset();
}

bool Frozen::holds(ConstView x) const {
  const Operand all = region(x, false);
  return std::any_of(regions_.begin(), regions_.end(), [&](const Operand& r) {
    return all.begin >= r.begin && all.begin + all.bytes <= r.begin + r.bytes;
  });
}

void Frozen::check(const Operand& o) const {
  for (const Operand& r : regions_)
    if (conflict(o, r)) throw std::logic_error("a write to memory that was frozen: its values are in use elsewhere");
}

}  // namespace snag
