#include "kernels/schedule/operands.h"

#include <cstdint>
#include <type_traits>
#include <utility>
#include <variant>

namespace snag {
namespace {

// ---- the members of an aggregate

struct Any {
  template <class T>
  operator T() const;  // NOLINT: stands for a member of any type
};
template <std::size_t>
using AnyAt = Any;
template <class K, std::size_t... I>
constexpr bool made_of(std::index_sequence<I...>) {
  return requires { K{AnyAt<I>{}...}; };
}
// How many members K has: as many as it can be made of.
template <class K, std::size_t N = 16>
constexpr std::size_t member_count() {
  static_assert(N > 0, "not an aggregate of at most 16 members, none of them an array");
  if constexpr (made_of<K>(std::make_index_sequence<N>()))
    return N;
  else
    return member_count<K, N - 1>();
}

template <class F, class... M>
void for_each(F f, const M&... members) {
  (f(members), ...);
}

// Calls f for each member.
template <class K, class F>
void for_each_member(const K& k, F f) {
  constexpr std::size_t n = member_count<K>();
#define SNAG_MEMBERS(count, ...)   \
  if constexpr (n == count) {      \
    const auto& [__VA_ARGS__] = k; \
    for_each(f, __VA_ARGS__);      \
  }
  SNAG_MEMBERS(1, a)
  SNAG_MEMBERS(2, a, b)
  SNAG_MEMBERS(3, a, b, c)
  SNAG_MEMBERS(4, a, b, c, d)
  SNAG_MEMBERS(5, a, b, c, d, e)
  SNAG_MEMBERS(6, a, b, c, d, e, g)
  SNAG_MEMBERS(7, a, b, c, d, e, g, h)
  SNAG_MEMBERS(8, a, b, c, d, e, g, h, i)
  SNAG_MEMBERS(9, a, b, c, d, e, g, h, i, j)
  SNAG_MEMBERS(10, a, b, c, d, e, g, h, i, j, l)
  SNAG_MEMBERS(11, a, b, c, d, e, g, h, i, j, l, m)
  SNAG_MEMBERS(12, a, b, c, d, e, g, h, i, j, l, m, o)
  SNAG_MEMBERS(13, a, b, c, d, e, g, h, i, j, l, m, o, p)
  SNAG_MEMBERS(14, a, b, c, d, e, g, h, i, j, l, m, o, p, q)
  SNAG_MEMBERS(15, a, b, c, d, e, g, h, i, j, l, m, o, p, q, r)
  SNAG_MEMBERS(16, a, b, c, d, e, g, h, i, j, l, m, o, p, q, r, s)
#undef SNAG_MEMBERS
}

// ---- what a member says of memory

struct Collector {
  std::vector<Operand>& found;

  template <class T>
  void add(T* data, int count) {
    if (data && count > 0)
      found.push_back(
          {reinterpret_cast<const std::byte*>(data), sizeof(T) * static_cast<std::size_t>(count), !std::is_const_v<T>});
  }
  void operator()(const View& v) { add(v.data, v.shape.size()); }
  void operator()(const ConstView& v) { add(v.data, v.shape.size()); }
  void operator()(const Counter& c) { add(c.data, 1); }
  void operator()(const ConstCounter& c) { add(c.data, 1); }
  void operator()(const Running& r) { (*this)(r.mean), (*this)(r.var); }
  void operator()(const Gradients& g) {
    for (int i = 0; i < g.count; ++i)
      for (const real* data : {g.data[i], g.more[i]}) add(data, g.begin[i + 1] - g.begin[i]);
  }
  void operator()(const Addends& a) {
    for (int i = 0; i < a.count; ++i) add(a.x[i], a.end[i] - a.begin[i]);
  }
  void operator()(const Weighted& w) {
    for (int i = 0; i < w.count; ++i) add(w.value[i], 1);
  }
  void operator()(const Entries& e) {
    for (int i = 0; i < e.count; ++i) add(e.x[i], 1);
  }
  // The data set and the order of its images: the host alone writes them.
  void operator()(const Bytes&) {}
  void operator()(const std::int32_t*) {}
  // values
  void operator()(const Conv&) {}
  void operator()(const Augment&) {}
  void operator()(const Targets&) {}
  void operator()(const Schedule&) {}
  template <class T>
  requires std::is_arithmetic_v<T>
  void operator()(const T&) {}
};

}  // namespace

std::vector<Operand> operands(const Kernel& kernel) {
  std::vector<Operand> found;
  found.reserve(16);
  std::visit([&](const auto& k) { for_each_member(k, Collector{found}); }, kernel);
  return found;
}

}  // namespace snag
