#include "bench/cpu/peers.h"

#ifdef SNAG_ONEDNN
#include <omp.h>

#include <algorithm>
#include <limits>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "base/error.h"

namespace snag::bench {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;
using Forward = dnnl::convolution_forward::desc;
constexpr std::chrono::milliseconds kSettle{12};  // libgomp's threads wait for 300,000 rounds

memory::dims dims(Shape s) { return {s.n, s.c, s.h, s.w}; }
memory::desc layout(Shape s, Tag tag) { return {dims(s), memory::data_type::f32, tag}; }
// Ours: a weight [o,c,r,t] lies as o, r, t, c.
memory::desc ours(Shape s) { return layout(s, Tag::acdb); }

// One operand of a pass: which argument it is, and where ours lies.
struct Argument {
  int id;
  real* data;
  Shape shape;
};

// A primitive with its operands in its own layouts.
struct Candidate {
  std::string name;
  dnnl::primitive primitive;
  std::unordered_map<int, memory> operands;
};

}  // namespace

struct OneDnn::Handle {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  mutable dnnl::stream stream{engine};
};

namespace {

// Finds the fastest of the primitives that compute one kernel.
class Search {
 public:
  Search(const dnnl::engine& engine, dnnl::stream& stream, Backend& backend)
      : engine_(engine), stream_(stream), backend_(backend) {
    attributes_.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  }

  void add(const ConvDown& k) {
    pass({{DNNL_ARG_SRC, data(k.big), k.big.shape}, {DNNL_ARG_WEIGHTS, data(k.w), k.w.shape}},
         {DNNL_ARG_DST, k.small.data, k.small.shape});
    for (const Tag tag : kTags) {
      const Forward d = forward(k.big.shape, k.w.shape, k.small.shape, k.g, tag);
      gather<dnnl::convolution_forward>(dnnl::convolution_forward::primitive_desc(d, attributes_, engine_));
    }
  }

  void add(const ConvUp& k) {
    pass({{DNNL_ARG_DIFF_DST, data(k.small), k.small.shape}, {DNNL_ARG_WEIGHTS, data(k.w), k.w.shape}},
         {DNNL_ARG_DIFF_SRC, k.big.data, k.big.shape});
    for (const Tag tag : kTags) {
      const Forward hint = forward(k.big.shape, k.w.shape, k.small.shape, k.g, tag);
      const dnnl::convolution_backward_data::desc d(dnnl::algorithm::convolution_direct, layout(k.big.shape, tag),
                                                    layout(k.w.shape, Tag::any), layout(k.small.shape, tag),
                                                    strides(k.g), pads(k.g), pads(k.g));
      gather<dnnl::convolution_backward_data>(
          dnnl::convolution_backward_data::primitive_desc(d, attributes_, engine_, {hint, engine_}));
    }
  }

  void add(const ConvWeight& k) {
    pass({{DNNL_ARG_SRC, data(k.big), k.big.shape}, {DNNL_ARG_DIFF_DST, data(k.small), k.small.shape}},
         {DNNL_ARG_DIFF_WEIGHTS, k.dw.data, k.dw.shape});
    for (const Tag tag : kTags) {
      const Forward hint = forward(k.big.shape, k.dw.shape, k.small.shape, k.g, tag);
      const dnnl::convolution_backward_weights::desc d(dnnl::algorithm::convolution_direct, layout(k.big.shape, tag),
                                                       layout(k.dw.shape, Tag::any), layout(k.small.shape, tag),
                                                       strides(k.g), pads(k.g), pads(k.g));
      gather<dnnl::convolution_backward_weights>(
          dnnl::convolution_backward_weights::primitive_desc(d, attributes_, engine_, {hint, engine_}));
    }
  }

  template <class K>
  void add(const K&) {}

  Peer best() const {
    const Candidate* best = nullptr;
    double least = std::numeric_limits<double>::max();
    for (const Candidate& c : candidates_) {
      const auto run = [&] { execute(c); };
      double fastest = seconds(run);  // the first sets up
      const bool hopeful = fastest < kHopeless * least;
      double spent = 0;
      for (int i = 0; hopeful && (i < 2 || spent < kTrial); ++i) {
        const double time = seconds(run);
        spent += time;
        fastest = std::min(fastest, time);
      }
      if (fastest < least) least = fastest, best = &c;
    }
    if (!best) return {};
    return {.run = {"oneDNN " + best->name, [search = *this, c = *best] { search.execute(c); }, kSettle},
            .result = [search = *this, c = *best] { return search.result(c); }};
  }

 private:
  static constexpr Tag kTags[] = {Tag::any, Tag::nhwc};
  static constexpr double kHopeless = 5;  // so many times slower at its first call: not tried again
  static constexpr double kTrial = 2e-3;  // seconds

  static memory::dims strides(Conv g) { return {g.stride, g.stride}; }
  static memory::dims pads(Conv g) { return {g.pad, g.pad}; }
  static real* data(ConstView v) { return const_cast<real*>(v.data); }  // oneDNN's memory knows no const

  void pass(std::vector<Argument> inputs, Argument output) {
    inputs_ = std::move(inputs);
    output_ = output;
  }

  static Forward forward(Shape big, Shape w, Shape small, Conv g, Tag tag) {
    return {dnnl::prop_kind::forward_training,
            dnnl::algorithm::convolution_direct,
            layout(big, tag),
            layout(w, Tag::any),
            layout(small, tag),
            strides(g),
            pads(g),
            pads(g)};
  }

  memory fresh(const memory::desc& d) const { return {d, engine_, backend_.alloc(d.get_size())}; }
  memory of(const Argument& a) const { return {ours(a.shape), engine_, a.data}; }

  // Every implementation behind a description, which next_impl() still reads: it must outlive this call. The reference,
  // which is last, only where there is no other.
  template <class Primitive, class Description>
  void gather(Description d) {
    do {
      const std::string name = d.impl_info_str();
      if (name.rfind("ref", 0) == 0 && !candidates_.empty()) continue;
      Candidate c{name, Primitive(d), {}};
      for (const Argument& in : inputs_) {
        memory packed = fresh(d.query_md(dnnl::query::exec_arg_md, in.id)), plain = of(in);
        dnnl::reorder(plain, packed).execute(stream_, plain, packed);
        c.operands.emplace(in.id, packed);
      }
      c.operands.emplace(output_.id, fresh(d.query_md(dnnl::query::exec_arg_md, output_.id)));
      c.operands.emplace(DNNL_ARG_SCRATCHPAD, fresh(d.scratchpad_desc()));
      stream_.wait();
      candidates_.push_back(std::move(c));
    } while (d.next_impl());
  }

  void execute(const Candidate& c) const {
    c.primitive.execute(stream_, c.operands);
    stream_.wait();
  }

  std::vector<float> result(const Candidate& c) const {
    std::vector<float> y(static_cast<std::size_t>(output_.shape.size()));
    memory packed = c.operands.at(output_.id), plain(ours(output_.shape), engine_, y.data());
    dnnl::reorder(packed, plain).execute(stream_, packed, plain);
    stream_.wait();
    return y;
  }

  dnnl::engine engine_;
  dnnl::stream& stream_;
  Backend& backend_;
  dnnl::primitive_attr attributes_;
  std::vector<Argument> inputs_;
  Argument output_{};
  std::vector<Candidate> candidates_;
};

}  // namespace

OneDnn::OneDnn(int threads) : handle_(std::make_unique<Handle>()) { omp_set_num_threads(threads); }
OneDnn::~OneDnn() = default;

Peer OneDnn::convolution(const Kernel& kernel, Backend& backend) const {
  try {
    Search search(handle_->engine, handle_->stream, backend);
    std::visit([&](const auto& k) { search.add(k); }, kernel);
    return search.best();
  } catch (const dnnl::error& e) {
    throw Error(Exit::device, std::string("oneDNN: ") + e.what() + "; leave it out with --no-peers");
  }
}

std::string OneDnn::version() {
  const dnnl_version_t& v = *dnnl::version();
  return "oneDNN " + std::to_string(v.major) + "." + std::to_string(v.minor) + "." + std::to_string(v.patch) +
         (v.cpu_runtime == DNNL_RUNTIME_OMP ? " (OpenMP)" : " (not OpenMP: its threads are not set)");
}

}  // namespace snag::bench
#else
namespace snag::bench {

struct OneDnn::Handle {};
OneDnn::OneDnn(int) {}
OneDnn::~OneDnn() = default;
Peer OneDnn::convolution(const Kernel&, Backend&) const { return {}; }
std::string OneDnn::version() { return "no oneDNN in this build"; }

}  // namespace snag::bench
#endif
