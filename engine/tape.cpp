#include "engine/tape.h"

#include <stdexcept>
#include <string>

#include "engine/ops.h"

namespace snag {
namespace {

// Are they two tensors of shape s?
bool are_two(const std::vector<Addend>& addends, Shape s) {
  return addends.size() == 2 && addends[0].x.shape() == s && addends[1].x.shape() == s;
}

// Their sum, as a tensor of shape s.
Tensor total(const std::vector<Addend>& addends, Shape s) {
  if (are_two(addends, s)) return add(addends[0].x, addends[1].x);
  const Tensor first = addends[0].x;
  if (addends.size() > 1 || first.shape().size() != s.size()) return add_all(addends, s);
  return first.shape() == s ? first : reshape(first, s);
}

}  // namespace

Tensor Tape::empty(Shape s) {
  const double size = double(s.n) * s.c * s.h * s.w;
  if (s.n < 1 || s.c < 1 || s.h < 1 || s.w < 1 || size > 2147483647.0)
    throw std::invalid_argument("a tensor of shape " + text(s) + " has no or too many elements");
  return {this, -1, {static_cast<real*>(backend_.alloc(sizeof(real) * static_cast<std::size_t>(s.size()))), s}};
}

Tensor Tape::leaf(Shape s) { return record("leaf", empty(s), {}, {}); }

Tensor Tape::constant(Tensor x) { return record("leaf", x, {}, {}); }

Tensor Tape::record(const char* op, Tensor out, std::vector<Tensor> in, Pullback pullback) {
  out.id = static_cast<int>(nodes_.size());
  nodes_.push_back({op, out, std::move(in), std::move(pullback)});
  return out;
}

Tensor Tape::record_once(const char* op, Tensor out, std::vector<Tensor> in) {
  return record(op, out, std::move(in), [op](Tensor, Needs) -> std::vector<Tensor> {
    throw std::logic_error(std::string(op) + " is not differentiable");
  });
}

std::vector<std::vector<Addend>> Tape::addends(Tensor loss, std::span<const Tensor> wrt, double scale) {
  if (loss.shape().size() != 1) throw std::invalid_argument("grad wants a scalar loss, not " + text(loss.shape()));
  const auto last = static_cast<std::size_t>(loss.id);
  std::vector<char> needed(last + 1, 0);  // does node i depend on any of wrt?
  for (const Tensor& t : wrt)
    if (t.id <= loss.id) needed[static_cast<std::size_t>(t.id)] = 1;
  for (std::size_t i = 0; i <= last; ++i)
    for (const Tensor& t : nodes_[i].in) needed[i] |= needed[static_cast<std::size_t>(t.id)];

  std::vector<std::vector<Addend>> gradient(last + 1);
  if (needed[last]) {
    gradient[last] = {{leaf(loss.shape())}};
    backend_.run(Fill{.y = gradient[last][0].x.view, .value = static_cast<real>(scale)});
  }
  for (std::size_t i = last + 1; i-- > 0;) {
    if (!needed[i] || gradient[i].empty() || nodes_[i].in.empty()) continue;
    const Node node = nodes_[i];  // a copy: the pullback appends to nodes_
    if (!node.pullback) {
      const auto offset = static_cast<int>(node.out.view.data - node.in[0].view.data);
      for (const Addend& a : gradient[i])
        gradient[static_cast<std::size_t>(node.in[0].id)].push_back({a.x, a.begin + offset});
      continue;
    }
    const Tensor dy = total(gradient[i], node.out.shape());
    gradient[i] = {{dy}};
    std::vector<char> need;
    for (const Tensor& t : node.in) need.push_back(needed[static_cast<std::size_t>(t.id)]);
    const std::vector<Tensor> d = node.pullback(dy, need);
    for (std::size_t k = 0; k < node.in.size(); ++k)
      if (need[k]) gradient[static_cast<std::size_t>(node.in[k].id)].push_back({d[k]});
  }
  std::vector<std::vector<Addend>> result;
  for (const Tensor& t : wrt)
    result.push_back(t.id <= loss.id ? gradient[static_cast<std::size_t>(t.id)] : std::vector<Addend>{});
  return result;
}

std::vector<Tensor> Tape::grad(Tensor loss, std::span<const Tensor> wrt, double scale) {
  std::vector<Tensor> result;
  for (const std::vector<Addend>& a : addends(loss, wrt, scale))
    result.push_back(a.empty() ? Tensor{} : total(a, wrt[result.size()].shape()));
  return result;
}

std::vector<std::array<Tensor, 2>> Tape::grad_in_two(Tensor loss, std::span<const Tensor> wrt, double scale) {
  std::vector<std::array<Tensor, 2>> result;
  for (const std::vector<Addend>& a : addends(loss, wrt, scale)) {
    const Shape s = wrt[result.size()].shape();
    if (are_two(a, s))
      result.push_back({a[0].x, a[1].x});
    else
      result.push_back({a.empty() ? Tensor{} : total(a, s), {}});
  }
  return result;
}

void Tape::rewind(Mark m) {
  nodes_.resize(m.nodes);
  backend_.rewind(m.bytes);
}

}  // namespace snag
