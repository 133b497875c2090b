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
void for_each(F f, M&... members) {
  (f(members), ...);
}

// Calls f for each member.
template <class K, class F>
void for_each_member(K& k, F f) {
  constexpr std::size_t n = member_count<std::remove_const_t<K>>();
#define SNAG_MEMBERS(count, ...) \
  if constexpr (n == count) {    \
    auto& [__VA_ARGS__] = k;     \
    for_each(f, __VA_ARGS__);    \
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

template <class M, class... T>
concept OneOf = (std::is_same_v<std::remove_const_t<M>, T> || ...);

// Calls f(data, count) for each pointer to memory of the device, and so many elements from there on.
template <class F>
struct Pointers {
  F f;

  void operator()(OneOf<View, ConstView> auto& v) { add(v.data, v.shape.size()); }
  void operator()(OneOf<Counter, ConstCounter> auto& c) { add(c.data, 1); }
  void operator()(OneOf<Running> auto& r) { (*this)(r.mean), (*this)(r.var); }
  void operator()(OneOf<Gradients> auto& g) {
    for (int i = 0; i < g.count; ++i) {
      const int size = g.begin[i + 1] - g.begin[i];
      add(g.data[i], size), add(g.more[i], size);
    }
  }
  void operator()(OneOf<Addends> auto& a) {
    for (int i = 0; i < a.count; ++i) add(a.x[i], a.end[i] - a.begin[i]);
  }
  void operator()(OneOf<Weighted> auto& w) {
    for (int i = 0; i < w.count; ++i) add(w.value[i], 1);
  }
  void operator()(OneOf<Entries> auto& e) {
    for (int i = 0; i < e.count; ++i) add(e.x[i], 1);
  }
  // The data set and the order of its images, which the host alone writes; and values.
  template <OneOf<Bytes, const std::int32_t*, Conv, Augment, Targets, Schedule> T>
  void operator()(T&) {}
  template <class T>
  requires std::is_arithmetic_v<T>
  void operator()(T&) {}

 private:
  void add(auto& data, int count) {
    if (data && count > 0) f(data, count);
  }
};

template <class K, class F>
void for_each_pointer(K& kernel, F f) {
  std::visit([&](auto& k) { for_each_member(k, Pointers<F>{f}); }, kernel);
}

}  // namespace

std::vector<Operand> operands(const Kernel& kernel) {
  std::vector<Operand> found;
  found.reserve(16);
  for_each_pointer(kernel, [&]<class T>(T* data, int count) {
    found.push_back(
        {reinterpret_cast<const std::byte*>(data), sizeof(T) * static_cast<std::size_t>(count), !std::is_const_v<T>});
  });
  return found;
}

void relocate(Kernel& kernel, const Relocation& place) {
  for_each_pointer(kernel, [&]<class T>(T*& data, int) {
    data = reinterpret_cast<T*>(const_cast<std::byte*>(place(reinterpret_cast<const std::byte*>(data))));
  });
}

}  // namespace snag
