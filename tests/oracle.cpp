#include "tests/oracle.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <numeric>
#include <sstream>
#include <stdexcept>

namespace snag {
namespace {

std::vector<std::string> split(const std::string& s, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(s);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

std::vector<int> integers(const std::string& s, char separator) {
  std::vector<int> numbers;
  for (const std::string& part : split(s, separator)) numbers.push_back(std::stoi(part));
  return numbers;
}

std::string output_of(const std::string& command) {
  std::FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) throw std::runtime_error("cannot run " + command);
  std::string bytes;
  char buffer[1 << 16];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) bytes.append(buffer, n);
  if (pclose(pipe) != 0)
    throw std::runtime_error("failed: " + command +
                             "; it needs the Debian packages python3-onnx, libonnx-testdata and python3-torch");
  return bytes;
}

Record parse_fields(const std::string& line) {
  Record r;
  for (const std::string& field : split(line, '\t')) {
    const std::size_t equals = field.find('=');
    const std::string key = field.substr(0, equals),
                      value = equals == std::string::npos ? "" : field.substr(equals + 1);
    if (equals == std::string::npos)
      (r.name.empty() ? r.name : r.op) = field;
    else if (key == "in" || key == "out")
      (key == "in" ? r.in : r.out).push_back({integers(value, 'x'), {}});
    else
      r.attributes[key] = value;
  }
  return r;
}

}  // namespace

double Record::number(const std::string& key, double otherwise) const {
  return has(key) ? std::stod(attributes.at(key)) : otherwise;
}

std::vector<int> Record::list(const std::string& key) const { return integers(word(key), ','); }

std::vector<Record> ask_oracle(const std::string& script) {
  const std::string bytes = output_of("/usr/bin/python3 -B '" SNAG_SOURCE_DIR "/tests/oracle/" + script + "'");
  std::vector<Record> records;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = bytes.find('\n', at);
    Record r = parse_fields(bytes.substr(at, end - at));
    at = end + 1;
    for (std::vector<Array>* arrays : {&r.in, &r.out})
      for (Array& a : *arrays) {
        a.data.resize(static_cast<std::size_t>(std::accumulate(a.dims.begin(), a.dims.end(), 1, std::multiplies<>())));
        const std::size_t size = a.data.size() * sizeof(double);
        if (end == std::string::npos || size > bytes.size() - at) throw std::runtime_error(script + ": cut short");
        if (size > 0) std::memcpy(a.data.data(), bytes.data() + at, size);
        at += size;
      }
    records.push_back(std::move(r));
  }
  return records;
}

Shape image_shape(const Array& a) {
  const auto product = [&](std::size_t first, std::size_t last) {
    int p = 1;
    for (std::size_t k = first; k < std::min(last, a.dims.size()); ++k) p *= a.dims[k];
    return p;
  };
  const std::size_t rows = a.dims.size() > 3 ? 1 : 0;
  return {product(0, 1), product(1, 2), product(2, 2 + rows), product(2 + rows, a.dims.size())};
}

Tensor put_image(Tape& tape, const Array& a) {
  const Shape s = image_shape(a);
  std::vector<real> host(a.data.size());
  const View view{host.data(), s};
  for (int n = 0, i = 0; n < s.n; ++n)
    for (int c = 0; c < s.c; ++c)
      for (int h = 0; h < s.h; ++h)
        for (int w = 0; w < s.w; ++w) view(n, c, h, w) = static_cast<real>(a.data[static_cast<std::size_t>(i++)]);
  return put(tape, s, {host.begin(), host.end()});
}

Numbers get_image(const Tensor& x) {
  const Shape s = x.shape();
  const Numbers memory = get(x);
  const std::vector<real> host(memory.begin(), memory.end());
  const ConstView view(host.data(), s);
  Numbers y;
  for (int n = 0; n < s.n; ++n)
    for (int c = 0; c < s.c; ++c)
      for (int h = 0; h < s.h; ++h)
        for (int w = 0; w < s.w; ++w) y.push_back(view(n, c, h, w));
  return y;
}

}  // namespace snag
