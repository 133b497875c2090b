#include "engine/weights.h"

#include <charconv>
#include <cstring>

#include "base/error.h"

namespace snag {
namespace {

constexpr const char* kDtype = sizeof(real) == 4 ? "F32" : "F64";

int total(const std::vector<Layout::Entry>& entries) {
  return entries.empty() ? 0 : entries.back().begin + entries.back().shape.size();
}

// FNV-1a: gives each parameter random numbers of its own, whatever else the network holds.
std::uint32_t hash(const std::string& name) {
  std::uint32_t h = 2166136261u;
  for (const unsigned char c : name) h = (h ^ c) * 16777619u;
  return h;
}

std::vector<std::int64_t> stored_shape(Shape s) {
  if (s.h * s.w > 1) return {s.n, s.c, s.h, s.w};
  if (s.n > 1) return {s.n, s.c};
  return {s.c};
}

// Visits (memory offset, stored offset): memory is channels last, a file holds [n][c][h][w].
template <class F>
void for_each_element(Shape s, F f) {
  int stored = 0;
  for (int n = 0; n < s.n; ++n)
    for (int c = 0; c < s.c; ++c)
      for (int h = 0; h < s.h; ++h)
        for (int w = 0; w < s.w; ++w) f(offset(s, n, c, h, w), stored++);
}

const StoredTensor& find(const Checkpoint& from, const std::string& name, const std::vector<std::int64_t>& shape) {
  const auto it = from.tensors.find(name);
  if (it == from.tensors.end())
    throw Error(Exit::checkpoint, "checkpoint has no tensor '" + name + "': it belongs to another model or width");
  const auto print = [](const std::vector<std::int64_t>& v) {
    std::string text = "[";
    for (const std::int64_t d : v) text += (text.size() > 1 ? "," : "") + std::to_string(d);
    return text + "]";
  };
  if (it->second.dtype != kDtype || it->second.shape != shape)
    throw Error(Exit::checkpoint, "checkpoint tensor '" + name + "' is " + it->second.dtype + " " +
                                      print(it->second.shape) + ", this model needs " + kDtype + " " + print(shape) +
                                      ": it belongs to another model or width");
  return it->second;
}

template <class Tensors>
void save_entries(Backend& backend, Checkpoint& to, const std::string& prefix,
                  const std::vector<Layout::Entry>& entries, const Tensors& view_of) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Shape s = entries[i].shape;
    std::vector<real> memory(static_cast<std::size_t>(s.size())), stored(memory.size());
    backend.download(memory.data(), view_of(i).data, sizeof(real) * memory.size());
    for_each_element(s,
                     [&](int m, int f) { stored[static_cast<std::size_t>(f)] = memory[static_cast<std::size_t>(m)]; });
    to.tensors[prefix + entries[i].name] = {
        kDtype, stored_shape(s),
        std::string(reinterpret_cast<const char*>(stored.data()), sizeof(real) * stored.size())};
  }
}

template <class Tensors>
void load_entries(Backend& backend, const Checkpoint& from, const std::string& prefix,
                  const std::vector<Layout::Entry>& entries, const Tensors& view_of) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Shape s = entries[i].shape;
    const StoredTensor& t = find(from, prefix + entries[i].name, stored_shape(s));
    std::vector<real> memory(static_cast<std::size_t>(s.size())), stored(memory.size());
    std::memcpy(stored.data(), t.bytes.data(), sizeof(real) * stored.size());
    for_each_element(s,
                     [&](int m, int f) { memory[static_cast<std::size_t>(m)] = stored[static_cast<std::size_t>(f)]; });
    backend.upload(view_of(i).data, memory.data(), sizeof(real) * memory.size());
  }
}

}  // namespace

int Layout::trained(std::string name, Shape s, double mean, double deviation) {
  trained_.push_back({std::move(name), s, mean, deviation, total(trained_)});
  return static_cast<int>(trained_.size()) - 1;
}

int Layout::running(std::string name, Shape s, double value) {
  running_.push_back({std::move(name), s, value, 0, total(running_)});
  return static_cast<int>(running_.size()) - 1;
}

Weights::Weights(Tape& tape, const Layout& layout)
    : backend_(tape.backend()), layout_(layout), trained_size_(total(layout.trained())) {
  flat_ = tape.empty({.c = trained_size_ + total(layout.running())}).view;
  for (const Layout::Entry& e : layout.trained())
    tensors_.push_back(tape.record("parameter", {&tape, -1, {flat_.data + e.begin, e.shape}}, {}, {}));
  for (const Layout::Entry& e : layout.running()) running_.push_back({flat_.data + trained_size_ + e.begin, e.shape});
}

Weights::Weights(Tape& tape, const Layout& layout, std::uint64_t seed) : Weights(tape, layout) {
  const auto draw = [&](View y, const Layout::Entry& e) {
    backend_.run(DrawNormal{.y = y, .mean = e.mean, .deviation = e.deviation, .sub = hash(e.name), .seed = seed});
  };
  for (std::size_t i = 0; i < tensors_.size(); ++i) draw(tensors_[i].view, layout.trained()[i]);
  for (std::size_t i = 0; i < running_.size(); ++i) draw(running_[i], layout.running()[i]);
}

Weights::Weights(Tape& tape, const Weights& like) : Weights(tape, like.layout_) {
  backend_.run(Affine{.y = flat_, .x = like.flat_, .scale = 1, .shift = 0});
}

std::vector<Weights::Named> Weights::entries() const {
  std::vector<Named> all;
  for (std::size_t i = 0; i < tensors_.size(); ++i) all.push_back({layout_.trained()[i].name, tensors_[i].view});
  for (std::size_t i = 0; i < running_.size(); ++i) all.push_back({layout_.running()[i].name, running_[i]});
  return all;
}

void Weights::save(Checkpoint& to, const std::string& prefix) const {
  save_entries(backend_, to, prefix, layout_.trained(), [&](std::size_t i) { return tensors_[i].view; });
  save_entries(backend_, to, prefix, layout_.running(), [&](std::size_t i) { return running_[i]; });
}

void Weights::load(const Checkpoint& from, const std::string& prefix) {
  load_entries(backend_, from, prefix, layout_.trained(), [&](std::size_t i) { return tensors_[i].view; });
  load_entries(backend_, from, prefix, layout_.running(), [&](std::size_t i) { return running_[i]; });
}

void save_flat(Backend& backend, Checkpoint& to, const std::string& name, View v) {
  std::string bytes(sizeof(real) * static_cast<std::size_t>(v.shape.size()), '\0');
  backend.download(bytes.data(), v.data, bytes.size());
  to.tensors[name] = {kDtype, {v.shape.size()}, std::move(bytes)};
}

void load_flat(Backend& backend, const Checkpoint& from, const std::string& name, View v) {
  const StoredTensor& t = find(from, name, {v.shape.size()});
  backend.upload(v.data, t.bytes.data(), t.bytes.size());
}

std::int32_t metadata_count(const Checkpoint& from, const std::string& key) {
  const auto it = from.metadata.find(key);
  std::int32_t value = -1;
  if (it != from.metadata.end()) {
    const std::string& text = it->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) value = -1;
  }
  if (value < 0)
    throw Error(Exit::checkpoint, "checkpoint's '" + key + "' is missing or not a count: the file is corrupt");
  return value;
}

}  // namespace snag
