#include <algorithm>
#include <limits>
#include <utility>

#include "kernels/cpu/recording.h"

namespace snag {
namespace {

// A block's life, from the first to the last work that touches it, and its place.
struct Life {
  std::size_t bytes, first, last, offset = 0;
  bool touched = false;

  bool overlaps(const Life& l) const { return first <= l.last && l.first <= last; }
  std::size_t end() const { return offset + aligned(bytes); }
};

std::vector<Life> lives(const Step& step) {
  const std::vector<std::vector<std::size_t>> touches = step.touches();
  std::vector<Life> all;
  for (std::size_t b = 0; b < step.memory.size(); ++b) {
    const bool touched = !touches[b].empty();
    all.push_back({.bytes = step.memory[b].bytes,
                   .first = touched ? touches[b].front() : 0,
                   .last = touched ? touches[b].back() : 0,
                   .touched = touched});
  }
  return all;
}

// The large ones first, each at the lowest place that is free during its life. Returns where the last ends.
std::size_t place(std::vector<Life>& all) {
  std::vector<Life*> order, placed;  // placed: by offset
  for (Life& l : all)
    if (l.touched) order.push_back(&l);
  std::stable_sort(order.begin(), order.end(), [](const Life* a, const Life* b) { return a->bytes > b->bytes; });
  std::size_t end = 0;
  for (Life* l : order) {
    for (const Life* p : placed)
      if (p->overlaps(*l) && p->offset < l->end() && l->offset < p->end()) l->offset = p->end();
    const auto lower = [](const Life* a, const Life* b) { return a->offset < b->offset; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), l, lower), l);
    end = std::max(end, l->end());
  }
  return end;
}

Kernel poisoned(std::byte* begin, std::size_t bytes) {
  return Fill{.y = {reinterpret_cast<real*>(begin), {.c = static_cast<int>(bytes / sizeof(real))}},
              .value = std::numeric_limits<real>::quiet_NaN()};
}

}  // namespace

LaidOut lay_out(Step step, std::byte* base, bool poison) {
  std::vector<Life> all = lives(step);
  LaidOut result{{}, place(all)};
  const auto to = [&](const std::byte* p) -> const std::byte* {
    const int holder = step.holder(p);
    if (holder < 0) return p;
    const auto b = static_cast<std::size_t>(holder);
    return base + all[b].offset + (p - step.memory[b].begin);
  };
  for (std::size_t i = 0; i < step.work.size(); ++i) {
    if (poison)
      for (const Life& l : all)
        if (l.touched && l.first == i) result.work.emplace_back(poisoned(base + l.offset, l.bytes));
    relocate(step.work[i], to);
    result.work.push_back(std::move(step.work[i]));
  }
  return result;
}

}  // namespace snag
