#pragma once
#include <array>
#include <functional>
#include <span>
#include <vector>

#include "kernels/backend.h"

namespace snag {

class Tape;

// A handle to a node of a tape: cheap to copy. The tape owns the node, the backend's arena owns the memory.
struct Tensor {
  Tape* tape = nullptr;
  int id = -1;
  View view;
  explicit operator bool() const { return tape != nullptr; }
  const Shape& shape() const { return view.shape; }
};

// What is added to a tensor, from its element `begin` on.
struct Addend {
  Tensor x;
  int begin = 0;
};

using Needs = std::span<const char>;  // for each input of an op: is its gradient wanted?
// From the gradient of an op's output to those of its inputs (an empty Tensor where not needed). It calls ops itself,
// so derivatives of derivatives come free.
using Pullback = std::function<std::vector<Tensor>(Tensor dy, Needs)>;

// The record of a computation, in the order it ran.
class Tape {
 public:
  // A view, an input's memory by another name, has no pullback: its gradient is a part of the input's.
  struct Node {
    const char* op;
    Tensor out;
    std::vector<Tensor> in;
    Pullback pullback;
  };
  struct Mark {
    std::size_t nodes, bytes;
  };

  explicit Tape(Backend& backend) : backend_(backend) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  Backend& backend() const { return backend_; }

  // Uninitialised memory, not yet a node. Throws std::invalid_argument where the shape is empty or over 2^31 - 1
  // elements.
  Tensor empty(Shape);
  // A tensor that nothing on the tape computes: an input, a parameter.
  Tensor leaf(Shape);
  // A leaf that shares x's memory: gradients stop here.
  Tensor constant(Tensor x);
  Tensor record(const char* op, Tensor out, std::vector<Tensor> in, Pullback);
  // For a gradient whose own derivative is not implemented: asking for it throws std::logic_error.
  Tensor record_once(const char* op, Tensor out, std::vector<Tensor> in);

  // scale * d loss / d wrt, for a scalar loss. Pure: visits only nodes on a path from wrt to loss, so grad(d_loss, D)
  // never enters the generator and grad(g_loss, G) computes no weight gradient of a discriminator. A tensor that the
  // loss does not depend on has an empty gradient.
  std::vector<Tensor> grad(Tensor loss, std::span<const Tensor> wrt, double scale = 1);

  // The same, each as one tensor or as two that are to be added: who reads them anyway spares a pass over memory.
  std::vector<std::array<Tensor, 2>> grad_in_two(Tensor loss, std::span<const Tensor> wrt, double scale = 1);

  // Cuts nodes and memory back together, so that a step takes the same addresses each time.
  Mark mark() const { return {nodes_.size(), backend_.mark()}; }
  void rewind(Mark);

  std::span<const Node> nodes() const { return nodes_; }

 private:
  // Of each of wrt, what its gradient is the sum of.
  std::vector<std::vector<Addend>> addends(Tensor loss, std::span<const Tensor> wrt, double scale);

  Backend& backend_;
  std::vector<Node> nodes_;
};

}  // namespace snag
