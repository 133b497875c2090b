#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/protobuf.h"

namespace snag {

// An ONNX model under construction (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3; IR 8, opset 17). Values
// are float32 tensors with names; the first extent of inputs and outputs is the number of images, left open.
class OnnxGraph {
 public:
  struct Attribute {
    std::string name;
    std::vector<std::int64_t> integers;
    double real = 0;
    enum class Kind { integer, integers, number } kind;
    static Attribute integer(std::string n, std::int64_t v) { return {std::move(n), {v}, 0, Kind::integer}; }
    static Attribute list(std::string n, std::vector<std::int64_t> v) {
      return {std::move(n), std::move(v), 0, Kind::integers};
    }
    static Attribute number(std::string n, double v) { return {std::move(n), {}, v, Kind::number}; }
  };

  // Appends a node and returns the name of its output (of the first, where it has more).
  std::string node(const std::string& op, const std::vector<std::string>& inputs,
                   const std::vector<Attribute>& attributes = {}, int outputs = 1);
  // Constants; each returns its name. Equal scalars and lists of integers stand there once.
  std::string tensor(std::string name, const std::vector<std::int64_t>& extents, const std::vector<float>& values);
  std::string scalar(float);
  std::string integers(const std::vector<std::int64_t>&);

  // The value `name`, [images, rest...].
  void input(const std::string& name, const std::vector<std::int64_t>& rest);
  // Gives `value` to the world under `name`.
  void output(const std::string& name, const std::string& value, const std::vector<std::int64_t>& rest);

  // The whole file.
  std::string model(const std::string& name, const std::string& description,
                    const std::map<std::string, std::string>& metadata) const;

 private:
  Proto graph_;
  int next_ = 0;
  std::map<std::string, std::string> constants_;  // by their bytes
};

}  // namespace snag
