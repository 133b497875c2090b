#pragma once
#include <memory>

#include "kernels/backend.h"
#include "kernels/onnx/graph.h"

namespace snag {

// A backend that computes nothing, and writes down as an ONNX graph what it is asked to compute: so each model that
// scores on a device has an ONNX form, without a second description of it. Memory is known by its address: what was
// uploaded is a constant, what a kernel wrote is a value. All tensors are [N,C,H,W] there too; run the computation
// with one image, N is left open.
//
// run() throws std::logic_error for a kernel without an ONNX form: those of training, and any new one until it gets one
// in onnx/backend.cpp.
class OnnxBackend : public Backend {
 public:
  virtual void input(const std::string& name, View) = 0;
  virtual void output(const std::string& name, View) = 0;  // [N] where an image has one element, else [N,C,H,W]
  // The name that uploaded memory has as a constant; others are numbered.
  virtual void call(const std::string& name, View) = 0;
  virtual const OnnxGraph& graph() const = 0;
};
std::unique_ptr<OnnxBackend> make_onnx_backend();

}  // namespace snag
