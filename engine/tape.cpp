#include "engine/tape.h"

#include <stdexcept>
#include <string>

#include "engine/ops.h"

namespace snag {

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

std::vector<Tensor> Tape::grad(Tensor loss, std::span<const Tensor> wrt, double scale) {
  if (loss.shape().size() != 1) throw std::invalid_argument("grad wants a scalar loss, not " + text(loss.shape()));
  const auto last = static_cast<std::size_t>(loss.id);
  std::vector<char> needed(last + 1, 0);  // does node i depend on any of wrt?
  for (const Tensor& t : wrt)
    if (t.id <= loss.id) needed[static_cast<std::size_t>(t.id)] = 1;
  for (std::size_t i = 0; i <= last; ++i)
    for (const Tensor& t : nodes_[i].in) needed[i] |= needed[static_cast<std::size_t>(t.id)];

  std::vector<Tensor> gradient(last + 1);
  if (needed[last]) {
    gradient[last] = leaf(loss.shape());
    backend_.run(Fill{.y = gradient[last].view, .value = static_cast<real>(scale)});
  }
  for (std::size_t i = last + 1; i-- > 0;) {
    if (!needed[i] || !gradient[i] || !nodes_[i].pullback) continue;
    const std::vector<Tensor> in = nodes_[i].in;  // copies: the pullback appends to nodes_
    const Pullback pullback = nodes_[i].pullback;
    std::vector<char> need;
    for (const Tensor& t : in) need.push_back(needed[static_cast<std::size_t>(t.id)]);
    const std::vector<Tensor> d = pullback(gradient[i], need);
    for (std::size_t k = 0; k < in.size(); ++k) {
      if (!need[k]) continue;
      Tensor& total = gradient[static_cast<std::size_t>(in[k].id)];
      total = total ? add(total, d[k]) : d[k];
    }
  }
  std::vector<Tensor> result;
  for (const Tensor& t : wrt) result.push_back(t.id <= loss.id ? gradient[static_cast<std::size_t>(t.id)] : Tensor{});
  return result;
}

void Tape::rewind(Mark m) {
  nodes_.resize(m.nodes);
  backend_.rewind(m.bytes);
}

}  // namespace snag
