#pragma once
#include <string>

#include "engine/ops.h"
#include "engine/weights.h"

namespace snag {

// Layers hold the numbers of their parameters in a Layout; Weights are passed in, so that one network runs on its
// weights or on their moving average.

// Where batch norm takes its statistics from; with them, what an image's result depends on.
enum class Statistics {
  batch,    // of this batch, and tracked in the running ones: training
  running,  // the running ones, as constants: an image's result does not depend on its batch (on a CPU: in no bit)
  fixed,    // the same for training, where bits may depend on the batch
};
inline Conv order(Conv g, Statistics from) { return from == Statistics::running ? g : g.in_any_order(); }

// Convolution without bias, w [out, in, k, k], initialised from N(0, 0.02^2) (DCGAN, Radford et al. 2016).
class ConvLayer {
 public:
  ConvLayer(Layout&, const std::string& name, int in, int out, Conv = {});
  Tensor operator()(const Weights& p, Tensor x, Statistics from) const {
    return conv_down(x, p.trained(w_), order(g_, from));
  }

 private:
  int w_;
  Conv g_;
};

// Transposed convolution without bias, w [in, out, k, k].
class ConvTransposeLayer {
 public:
  ConvTransposeLayer(Layout&, const std::string& name, int in, int out, Conv = {});
  Tensor operator()(const Weights& p, Tensor x, Statistics from) const {
    return conv_up(x, p.trained(w_), order(g_, from));
  }

 private:
  int w_;
  Conv g_;
};

// Batch norm and the leaky ReLU after it (slope 1: none, 0: ReLU). Weight from N(1, 0.02^2), bias 0, momentum 0.1.
class BatchNormLayer {
 public:
  BatchNormLayer(Layout&, const std::string& name, int channels, double slope);
  // `groups`: equal parts of the batch, each with statistics of its own
  Tensor operator()(const Weights& p, Tensor x, Statistics from, int groups = 1) const;

 private:
  int gamma_, beta_, mean_, var_;
  double slope_;
};

// y = x w^T + b, w [out, in], initialised from N(0, gain^2 / in) (He et al. 2015 with gain^2 = 2), b = 0.
class LinearLayer {
 public:
  LinearLayer(Layout&, const std::string& name, int in, int out, double gain = 1.4142135623730951);
  Tensor operator()(const Weights& p, Tensor x) const {
    return add_bias(matmul(x, p.trained(w_), false, true), p.trained(b_));
  }

 private:
  int w_, b_;
};

}  // namespace snag
