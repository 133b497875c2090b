#pragma once
#include <functional>
#include <stdexcept>

#include "tests/oracle.h"

namespace snag {

// ONNX's operators in terms of ours. Outputs are row-major.
using Outputs = std::vector<Numbers>;

// Our ops cannot express an operator with these attributes; the message is the reason.
struct Inexpressible : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// One operator's call.
struct Call {
  Tape& tape;
  const Record& r;

  const std::vector<int>& dims(std::size_t k = 0) const { return r.in.at(k).dims; }
  int size(std::size_t k = 0) const { return static_cast<int>(r.in.at(k).data.size()); }
  Tensor flat(std::size_t k = 0) const { return put(tape, {.c = size(k)}, r.in.at(k).data); }
  Tensor image(std::size_t k = 0) const { return put_image(tape, r.in.at(k)); }
  bool flag(const std::string& key, bool otherwise = false) const { return r.number(key, otherwise) != 0; }
};

// Computes the call's outputs (or the first ones), or throws Inexpressible.
Outputs evaluate(const Call&);

int product(const std::vector<int>& dims, std::size_t first, std::size_t last);

// A row-major array on a tape, and moves along one of its axes, made of reshape, slice_channels and pad_channels.
struct Grid {
  Tensor x;
  std::vector<int> dims;
  Tensor rows(std::size_t axis) const;  // [elements before the axis, those of the axis and after it]
};
Grid slice(const Grid&, std::size_t axis, int begin, int count);
Grid pad(const Grid&, std::size_t axis, int before, int after);
Grid spread(const Grid&, std::size_t axis, int step);  // step - 1 zeros after each slice

// onnx_moves.cpp
Outputs onnx_concat(const Call&);
Outputs onnx_split(const Call&);
Outputs onnx_slice(const Call&);
Outputs onnx_pad(const Call&);

// onnx_reduce.cpp
enum class Reduction { sum, mean, max };
Outputs onnx_reduce(const Call&, const Tensor& prepared, Reduction, double sign = 1);
Outputs onnx_top_k(const Call&);
Outputs onnx_average_pool(const Call&);
Outputs onnx_global_average_pool(const Call&);
Outputs onnx_global_max_pool(const Call&);

// onnx_conv.cpp
Outputs onnx_conv(const Call&);
Outputs onnx_conv_transpose(const Call&);

}  // namespace snag
