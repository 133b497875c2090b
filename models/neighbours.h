#pragma once
#include <vector>

#include "engine/weights.h"

namespace snag {

// Throws Error{Exit::usage} where there are fewer normal training images than the neighbours asked for.
void check_neighbours(int neighbours, int normal);

// The latents of the normal training images, among which those nearest to a new image's latent are sought. Each of a
// latent's values counts in units of its standard deviation over these images.
class Neighbours {
 public:
  // Memory for the latents of `images` images, `values` numbers each, unset; the `count` nearest ones make a score.
  Neighbours(Tape&, int images, int values, int count);
  // As saved. Throws Error{Exit::checkpoint} where there are none, too few, or of another size.
  Neighbours(Tape&, const Checkpoint&, int values, int count);

  // latents: [images, values], row by row.
  void remember(const std::vector<real>& latents);

  // latent [N,c,h,w] with c h w = values -> [N,1,1,1]: the mean square distance d to a normal image's latent, the mean
  // over the nearest ones and over values; over the latent's own root mean square, since what lies far from
  // the origin lies far from everything:
  //   d(e, f) = mean_i (e_i - f_i)^2 / var_i,   score = mean of the least d(e, f) / sqrt(mean_i e_i^2)
  // where var_i is the variance of value i and a thousandth of the mean one, so that a value which hardly varies does
  // not outweigh all others.
  Tensor distance(Tensor latent) const;

  void save(Checkpoint& to) const { weights_.save(to); }
  std::vector<Weights::Named> entries() const { return weights_.entries(); }

 private:
  // With e and f from the mean latent on, so that little cancels: d(e, f) = mean e^2 / var - 2 mean e f / var + mean
  // f^2 / var, products with constant matrices.
  struct Entries {
    Entries(int images, int values);
    Layout layout;
    int centre;       // [values]: minus the mean latent
    int precision;    // [1, values]: 1 / (values var)
    int latent;       // [images, values]: 2 f / (values var)
    int square_norm;  // [images]: -mean f^2 / var
  };
  Neighbours(Tape&, const Entries&, int images, int values, int count);
  View view(int entry) const { return weights_.trained(entry).view; }

  Backend& backend_;
  int images_, values_, count_;
  Entries entries_;
  Weights weights_;
};

}  // namespace snag
