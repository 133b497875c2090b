#include "kernels/onnx/backend.h"

#include <cstring>
#include <stdexcept>
#include <typeinfo>

namespace snag {
namespace {

using Attribute = OnnxGraph::Attribute;
using Extents = std::vector<std::int64_t>;

Extents of_image(Shape s) { return {s.c, s.h, s.w}; }
// Does the order of elements in memory, channels last, differ from ONNX's?
bool interleaved(Shape s) { return s.c > 1 && s.h * s.w > 1; }

std::vector<Attribute> window(int kernel, int stride) {
  return {Attribute::list("kernel_shape", {kernel, kernel}), Attribute::list("strides", {stride, stride})};
}

std::vector<Attribute> window(Conv g) {
  std::vector<Attribute> a = window(g.kernel, g.stride);
  a.push_back(Attribute::list("pads", {g.pad, g.pad, g.pad, g.pad}));
  return a;
}

class Recorder : public OnnxBackend {
 public:
  void run(const Kernel& kernel) override {
    std::visit([this](const auto& k) { note(k); }, kernel);
  }

  // Addresses that nothing else has, and that nothing reads.
  void* alloc(std::size_t bytes) override {
    void* p = reinterpret_cast<void*>(kAlign + used_);
    used_ += (bytes + kAlign - 1) / kAlign * kAlign;
    return p;
  }
  std::size_t mark() const override { return used_; }
  void rewind(std::size_t) override {}  // an address is used once
  std::size_t peak() const override { return used_; }
  void upload(void* device, const void* host, std::size_t bytes) override {
    const char* const from = static_cast<const char*>(host);
    uploaded_[device] = std::string(from, from + bytes);
  }
  void download(void*, const void*, std::size_t) override {
    throw std::logic_error("the ONNX backend has no values to download");
  }
  std::unique_ptr<Recording> record(std::function<void()>) override {
    throw std::logic_error("the ONNX backend records no steps");
  }
  std::string name() const override { return "onnx"; }

  void input(const std::string& name, View x) override {
    graph_.input(name, of_image(x.shape));
    values_[x.data] = {name, x.shape};
  }
  void output(const std::string& name, View y) override {
    if (y.shape.image() == 1)
      graph_.output(name, graph_.node("Reshape", {value(y), graph_.integers({-1})}), {});
    else
      graph_.output(name, value(y), of_image(y.shape));
  }
  void call(const std::string& name, View x) override { names_[x.data] = name; }
  const OnnxGraph& graph() const override { return graph_; }

 private:
  struct Value {
    std::string name;
    Shape shape;
  };

  std::string op(const std::string& name, const std::vector<std::string>& inputs,
                 const std::vector<Attribute>& attributes = {}) {
    return graph_.node(name, inputs, attributes);
  }
  void set(View y, const std::string& name) { values_[y.data] = {name, y.shape}; }

  // The name of what a kernel reads.
  std::string value(ConstView x) {
    const auto known = values_.find(x.data);
    if (known != values_.end()) return reshaped(known->second, x.shape);
    const Shape s = x.shape;
    const std::string name = constant(x, {s.n, s.c, s.h, s.w});
    values_[x.data] = {name, s};
    return name;
  }

  // The same memory under another shape.
  std::string reshaped(const Value& v, Shape to) {
    if (v.shape == to) return v.name;
    if (v.shape.n != to.n) throw std::logic_error("ONNX: a reshape moves elements from image to image");
    std::string name = v.name;
    if (interleaved(v.shape)) name = op("Transpose", {name}, {Attribute::list("perm", {0, 2, 3, 1})});
    if (!interleaved(to)) return op("Reshape", {name, graph_.integers({0, to.c, to.h, to.w})});
    name = op("Reshape", {name, graph_.integers({0, to.h, to.w, to.c})});
    return op("Transpose", {name}, {Attribute::list("perm", {0, 3, 1, 2})});
  }

  std::string constant(ConstView x, const Extents& extents) {
    const auto bytes = uploaded_.find(x.data);
    const Shape s = x.shape;
    if (bytes == uploaded_.end() || bytes->second.size() != sizeof(real) * static_cast<std::size_t>(s.size()))
      throw std::logic_error("ONNX: a kernel reads " + text(s) + " where nothing of that size was written");
    std::vector<real> memory(static_cast<std::size_t>(s.size()));
    std::memcpy(memory.data(), bytes->second.data(), bytes->second.size());
    std::vector<float> values;
    for (int n = 0; n < s.n; ++n)
      for (int c = 0; c < s.c; ++c)
        for (int h = 0; h < s.h; ++h)
          for (int w = 0; w < s.w; ++w)
            values.push_back(static_cast<float>(memory[static_cast<std::size_t>(offset(s, n, c, h, w))]));
    const auto named = names_.find(x.data);
    return graph_.tensor(named != names_.end() ? named->second : "constant_" + std::to_string(++constants_), extents,
                         values);
  }
  // One number a channel, as BatchNormalization takes it.
  std::string vector(ConstView x) {
    std::string& name = vectors_[x.data];
    if (name.empty()) name = constant(x, {x.shape.c});
    return name;
  }

  std::string scaled(std::string x, const char* by, double factor) {
    return factor == 1 ? x : op(by, {x, graph_.scalar(static_cast<float>(factor))});
  }
  std::string leaky(std::string x, double slope) {
    if (slope == 1) return x;
    return slope == 0 ? op("Relu", {x}) : op("LeakyRelu", {x}, {Attribute::number("alpha", slope)});
  }
  std::string mean_over(const std::string& x, const Extents& axes) {
    return op("ReduceMean", {x}, {Attribute::list("axes", axes), Attribute::integer("keepdims", 1)});
  }

  void note(const Add& k) { set(k.y, op("Add", {value(k.a), value(k.b)})); }
  void note(const Mul& k) { set(k.y, op("Mul", {value(k.a), value(k.b)})); }
  void note(const Affine& k) {
    const std::string x = scaled(value(k.x), "Mul", k.scale);
    set(k.y, k.shift == 0 ? x : op("Add", {x, graph_.scalar(static_cast<float>(k.shift))}));
  }
  void note(const AbsDiff& k) { set(k.y, op("Abs", {op("Sub", {value(k.a), value(k.b)})})); }
  void note(const LeakyRelu& k) { set(k.y, leaky(value(k.x), k.slope)); }
  void note(const Tanh& k) { set(k.y, scaled(op("Tanh", {scaled(value(k.x), "Div", k.range)}), "Mul", k.range)); }
  void note(const Power& k) { set(k.y, op("Pow", {value(k.x), graph_.scalar(static_cast<float>(k.exponent))})); }
  void note(const Sigmoid& k) { set(k.y, op("Sigmoid", {value(k.x)})); }
  void note(const Clamp& k) {
    set(k.y,
        op("Clip", {value(k.x), graph_.scalar(static_cast<float>(k.low)), graph_.scalar(static_cast<float>(k.high))}));
  }
  void note(const ImageMean& k) { set(k.y, mean_over(value(k.x), {1, 2, 3})); }
  void note(const AddBias& k) { set(k.y, op("Add", {value(k.x), value(k.b)})); }
  void note(const PatchMean& k) {
    set(k.y, mean_over(op("AveragePool", {value(k.x)}, window(k.patch, k.stride)), {1}));
  }
  void note(const TopMean& k) {
    const std::string flat = op("Reshape", {value(k.x), graph_.integers({0, -1})});
    const std::string top = graph_.node("TopK", {flat, graph_.integers({k.count})}, {Attribute::integer("axis", 1)}, 2);
    set(k.y, op("Reshape", {mean_over(top, {1}), graph_.integers({0, 1, 1, 1})}));
  }
  void note(const ConcatChannels& k) {
    set(k.y, op("Concat", {value(k.a), value(k.b)}, {Attribute::integer("axis", 1)}));
  }
  void note(const SliceChannels& k) {
    set(k.y, op("Slice", {value(k.x), graph_.integers({k.begin}), graph_.integers({k.begin + k.y.shape.c}),
                          graph_.integers({1})}));
  }
  // A quarter turn is a mirror image, transposed.
  void note(const QuarterTurn& k) {
    std::string x = value(k.x);
    for (int turn = 0; turn < k.turns; ++turn)
      x = op("Transpose",
             {op("Slice", {x, graph_.integers({-1}), graph_.integers({-1 - k.x.shape.w}), graph_.integers({3}),
                           graph_.integers({-1})})},
             {Attribute::list("perm", {0, 1, 3, 2})});
    set(k.y, x);
  }
  void note(const ConvDown& k) { set(k.small, op("Conv", {value(k.big), value(k.w)}, window(k.g))); }
  void note(const ConvUp& k) {
    std::vector<Attribute> attributes = window(k.g);
    const int more_h = k.big.shape.h - k.g.up(k.small.shape.h), more_w = k.big.shape.w - k.g.up(k.small.shape.w);
    if (more_h > 0 || more_w > 0) attributes.push_back(Attribute::list("output_padding", {more_h, more_w}));
    set(k.big, op("ConvTranspose", {value(k.small), value(k.w)}, attributes));
  }
  // A product with weights [out, in] is a 1 x 1 convolution.
  void note(const MatMul& k) {
    if (k.transpose_a || !k.transpose_b) throw std::logic_error("ONNX: a product of this form has no counterpart yet");
    set(k.c, op("Conv", {value(k.a), value(k.b)}));
  }
  void note(const BatchNorm& k) {
    if (k.groups() != 1 || k.running.mean.data)
      throw std::logic_error("ONNX: batch norm in training has no counterpart");
    set(k.y,
        leaky(op("BatchNormalization", {value(k.x), vector(k.gamma), vector(k.beta), vector(k.mean), vector(k.var)},
                 {Attribute::number("epsilon", k.eps)}),
              k.slope));
  }
  template <class K>
  void note(const K&) {
    throw std::logic_error(std::string("ONNX: kernel ") + typeid(K).name() + " has no counterpart in onnx/backend.cpp");
  }

  static constexpr std::size_t kAlign = 256;
  std::size_t used_ = 0;
  int constants_ = 0;
  OnnxGraph graph_;
  std::map<const void*, Value> values_;
  std::map<const void*, std::string> uploaded_, names_, vectors_;
};

}  // namespace

std::unique_ptr<OnnxBackend> make_onnx_backend() { return std::make_unique<Recorder>(); }

}  // namespace snag
