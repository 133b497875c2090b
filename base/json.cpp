#include "base/json.h"

#include <algorithm>
#include <ios>
#include <sstream>
#include <utility>

namespace snag {
namespace {

using nlohmann::json;

const std::size_t max_depth = 100;  // destroying, copying or printing deeper values would exhaust the stack

// nlohmann's message without its own prefix ("[json...] parse error at line 1, column 2: "), as one printable line.
std::string reason(std::string text) {
  if (const std::size_t id = text.find("] "); id != std::string::npos) {
    text.erase(0, id + 2);
  }
  if (const std::size_t place = text.find(": "); text.starts_with("parse error") && place != std::string::npos) {
    text.erase(0, place + 2);
  }
  std::string line = text.substr(0, 200);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return line;
}

// Builds the value from the parser's events. nlohmann's own builder lets the last of two equal keys win.
class Builder : public nlohmann::json_sax<json> {
 public:
  Builder(std::string_view text, const std::string& file, Exit code)
      : text_(text), file_(file), code_(code), stream_(std::string(text)) {}

  json build() {
    // nlohmann takes a NUL byte for the end of its input and would ignore the rest.
    if (const std::size_t nul = text_.find('\0'); nul != std::string_view::npos) {
      fail(nul + 1, "a NUL byte");
    }
    json::sax_parse(stream_, this);
    return std::move(root_);
  }

  // Events return true: go on. An Error stops the parser.
  bool null() override { return add(nullptr); }
  bool boolean(bool x) override { return add(x); }
  bool number_integer(std::int64_t x) override { return add(x); }
  bool number_unsigned(std::uint64_t x) override { return add(x); }
  bool number_float(double x, const std::string&) override { return add(x); }
  bool string(std::string& x) override { return add(std::move(x)); }
  bool binary(json::binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string& name) override {
    auto& object = open_.back()->get_ref<json::object_t&>();
    const auto [member, added] = object.emplace(name, nullptr);
    if (!added) {
      fail(here(), "the key " + in_quotes(name) + " stands twice");
    }
    member_ = &member->second;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const json::exception& e) override {
    fail(position, reason(e.what()));
  }

 private:
  // Where the value now lives.
  json* put(json x) {
    if (open_.empty()) {
      root_ = std::move(x);
      return &root_;
    }
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::move(x));
      return &open_.back()->back();
    }
    *member_ = std::move(x);
    return member_;
  }
  bool add(json x) {
    put(std::move(x));
    return true;
  }
  bool open(json container) {
    if (open_.size() == max_depth) {
      fail(here(), "nested deeper than " + std::to_string(max_depth) + " levels");
    }
    open_.push_back(put(std::move(container)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  // Bytes that the parser has read: it stops behind the token that it reports.
  std::size_t here() {
    const std::streamoff at = stream_.rdbuf()->pubseekoff(0, std::ios::cur, std::ios::in);
    return at < 0 ? text_.size() : static_cast<std::size_t>(at);
  }
  // `read`: bytes up to and with the offending one.
  [[noreturn]] void fail(std::size_t read, const std::string& what) const {
    const std::string_view before = text_.substr(0, std::min(read == 0 ? 0 : read - 1, text_.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t start = before.rfind('\n') + 1;  // npos + 1 = 0
    throw Error(code_,
                file_ + ":" + std::to_string(line) + ":" + std::to_string(before.size() - start + 1) + ": " + what);
  }

  std::string_view text_;
  const std::string& file_;
  Exit code_;
  std::istringstream stream_;
  json root_;
  std::vector<json*> open_;  // pointers stay valid: a container gets no sibling while it is open
  json* member_ = nullptr;
};

}  // namespace

Json parse_json(std::string_view text, const std::string& file, Exit code) {
  return {Builder(text, file, code).build(), file, "", code};
}

}  // namespace snag
