#pragma once
#include <optional>
#include <variant>
#include <vector>

#include "models/scorer.h"

namespace snag {

// The networks that score for a finished run, with its weights, which are frozen (Backend::freeze).
class SavedScorer {
 public:
  // Throws Error{Exit::checkpoint} where a tensor is missing or of another shape.
  SavedScorer(Tape&, const Config&, const Checkpoint&);
  Scored score(Tensor x) const;  // x [N,c,h,w] in [-1, 1]
  bool reconstructs() const { return std::holds_alternative<GanScorer>(network_); }
  Tensor reconstruct(Tensor x) const;           // where reconstructs(): like x
  std::vector<Weights::Named> entries() const;  // of all weights

 private:
  std::variant<GanScorer, ClassifierScorer> network_;
  Weights weights_;
  std::optional<Weights> critic_;         // weights of GanScorer::critic()
  std::optional<Neighbours> neighbours_;  // where GanScorer::remembers()
};

}  // namespace snag
