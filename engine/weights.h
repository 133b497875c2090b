#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "engine/safetensors.h"
#include "engine/tape.h"

namespace snag {

// What a network remembers, before it has memory: layers declare their parameters here, in order.
class Layout {
 public:
  struct Entry {
    std::string name;
    Shape shape;
    double mean, deviation;  // initial values are drawn from N(mean, deviation^2)
    int begin;               // place in the flat list
  };
  // Each returns the entry's number, by which Weights gives the tensor. Names must be unique in a checkpoint.
  int trained(std::string name, Shape, double mean, double deviation);
  int running(std::string name, Shape, double value);  // statistics: kept, not trained

  const std::vector<Entry>& trained() const { return trained_; }
  const std::vector<Entry>& running() const { return running_; }

 private:
  std::vector<Entry> trained_, running_;
};

// The memory of a Layout: one flat list of all trained parameters, then all running statistics.
class Weights {
 public:
  // Takes memory from the tape's backend, its values unset: for those that are loaded or uploaded next.
  Weights(Tape&, const Layout&);
  // Draws initial values, a function of (seed, entry name) alone.
  Weights(Tape&, const Layout&, std::uint64_t seed);
  // Memory of its own with the values of another.
  Weights(Tape&, const Weights& like);

  const Tensor& trained(int i) const { return tensors_[static_cast<std::size_t>(i)]; }
  View running(int i) const { return running_[static_cast<std::size_t>(i)]; }
  std::span<const Tensor> trained() const { return tensors_; }
  View flat() const { return flat_; }
  // All of them, with their names.
  struct Named {
    std::string name;
    View view;
  };
  std::vector<Named> entries() const;
  View flat_trained() const { return {flat_.data, {.c = trained_size_}}; }

  // Under their names, in PyTorch's order: [O,C,k,k], [out,in] or [C].
  void save(Checkpoint&, const std::string& prefix = "") const;
  // Throws Error{Exit::checkpoint} naming the tensor that is missing or of another type or shape.
  void load(const Checkpoint&, const std::string& prefix = "");

 private:
  Backend& backend_;
  Layout layout_;
  std::vector<Tensor> tensors_;
  std::vector<View> running_;
  View flat_;
  int trained_size_;
};

// A flat device buffer to and from a checkpoint, as one tensor; for an optimiser's moments.
void save_flat(Backend&, Checkpoint&, const std::string& name, View);
void load_flat(Backend&, const Checkpoint&, const std::string& name, View);
// A non-negative count kept in a checkpoint's metadata.
std::int32_t metadata_count(const Checkpoint&, const std::string& key);

}  // namespace snag
