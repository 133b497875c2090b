#include "kernels/onnx/graph.h"

#include <bit>

#include "base/little_endian.h"

namespace snag {
namespace {

// Field numbers of onnx.proto3.
enum Model { kIrVersion = 1, kProducer = 2, kModelText = 6, kGraph = 7, kOpset = 8, kMetadata = 14 };
enum Graph { kNode = 1, kGraphName = 2, kInitializer = 5, kInput = 11, kOutput = 12 };
enum Node { kNodeInput = 1, kNodeOutput = 2, kNodeName = 3, kOp = 4, kAttribute = 5 };
enum Type { kFloat = 1, kInt64 = 7 };
enum AttributeType { kReal = 1, kInteger = 2, kIntegers = 7 };

Proto entry(const std::string& key, const std::string& value) { return Proto().text(1, key).text(2, value); }

Proto tensor_proto(const std::string& name, const std::vector<std::int64_t>& extents, Type type,
                   const std::string& bytes) {
  Proto t;
  for (const std::int64_t e : extents) t.integer(1, e);
  return t.integer(2, type).text(8, name).text(9, bytes);
}

Proto value_info(const std::string& name, const std::vector<std::int64_t>& rest) {
  Proto shape;
  shape.message(1, Proto().text(2, "images"));
  for (const std::int64_t e : rest) shape.message(1, Proto().integer(1, e));
  return Proto().text(1, name).message(2, Proto().message(1, Proto().integer(1, kFloat).message(2, shape)));
}

Proto attribute_proto(const OnnxGraph::Attribute& a) {
  using Kind = OnnxGraph::Attribute::Kind;
  Proto p;
  p.text(1, a.name);
  if (a.kind == Kind::number) return p.real32(2, static_cast<float>(a.real)).integer(20, kReal);
  if (a.kind == Kind::integer) return p.integer(3, a.integers.front()).integer(20, kInteger);
  for (const std::int64_t v : a.integers) p.integer(8, v);
  return p.integer(20, kIntegers);
}

}  // namespace

std::string OnnxGraph::node(const std::string& op, const std::vector<std::string>& inputs,
                            const std::vector<Attribute>& attributes, int outputs) {
  const std::string name = op + "_" + std::to_string(next_++);
  Proto n;
  for (const std::string& i : inputs) n.text(kNodeInput, i);
  for (int k = 0; k < outputs; ++k) n.text(kNodeOutput, k == 0 ? name : name + "_" + std::to_string(k));
  n.text(kNodeName, name).text(kOp, op);
  for (const Attribute& a : attributes) n.message(kAttribute, attribute_proto(a));
  graph_.message(kNode, n);
  return name;
}

std::string OnnxGraph::tensor(std::string name, const std::vector<std::int64_t>& extents,
                              const std::vector<float>& values) {
  std::string bytes;
  for (const float v : values) bytes += little_endian(std::bit_cast<std::uint32_t>(v));
  graph_.message(kInitializer, tensor_proto(name, extents, kFloat, bytes));
  return name;
}

std::string OnnxGraph::scalar(float value) {
  std::string& name = constants_[little_endian(std::bit_cast<std::uint32_t>(value))];
  if (name.empty()) name = tensor("scalar_" + std::to_string(constants_.size()), {}, {value});
  return name;
}

std::string OnnxGraph::integers(const std::vector<std::int64_t>& values) {
  std::string bytes;
  for (const std::int64_t v : values) bytes += little_endian(static_cast<std::uint64_t>(v));
  std::string& name = constants_[bytes];
  if (!name.empty()) return name;
  name = "integers_" + std::to_string(constants_.size());
  graph_.message(kInitializer, tensor_proto(name, {static_cast<std::int64_t>(values.size())}, kInt64, bytes));
  return name;
}

void OnnxGraph::input(const std::string& name, const std::vector<std::int64_t>& rest) {
  graph_.message(kInput, value_info(name, rest));
}

void OnnxGraph::output(const std::string& name, const std::string& value, const std::vector<std::int64_t>& rest) {
  graph_.message(kNode,
                 Proto().text(kNodeInput, value).text(kNodeOutput, name).text(kNodeName, name).text(kOp, "Identity"));
  graph_.message(kOutput, value_info(name, rest));
}

std::string OnnxGraph::model(const std::string& name, const std::string& description,
                             const std::map<std::string, std::string>& metadata) const {
  Proto graph = graph_;
  Proto model;
  model.integer(kIrVersion, 8).text(kProducer, "Snag").text(kModelText, description);
  model.message(kGraph, graph.text(kGraphName, name)).message(kOpset, Proto().integer(2, 17));
  for (const auto& [key, value] : metadata) model.message(kMetadata, entry(key, value));
  return model.wire();
}

}  // namespace snag
