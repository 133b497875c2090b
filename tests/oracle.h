#pragma once
#include <map>
#include <string>
#include <vector>

#include "tests/support.h"

namespace snag {

// A row-major array of any rank.
struct Array {
  std::vector<int> dims;
  Numbers data;
};

// What an oracle was given and what it answered.
struct Record {
  std::string name, op;
  std::map<std::string, std::string> attributes;
  std::vector<Array> in, out;

  bool has(const std::string& key) const { return attributes.contains(key); }
  double number(const std::string& key, double otherwise) const;
  std::vector<int> list(const std::string& key) const;  // empty where there is none
  std::string word(const std::string& key) const { return has(key) ? attributes.at(key) : ""; }
};

// Runs tests/oracle/SCRIPT with Debian's Python and reads the records that it prints (tests/oracle/records.py). Throws
// std::runtime_error where it fails; it has then said why, on stderr.
std::vector<Record> ask_oracle(const std::string& script);

// Arrays of images, [N,C], [N,C,W] or [N,C,H,W], are channels last in our memory; further axes are joined with W.
Shape image_shape(const Array&);
Tensor put_image(Tape&, const Array&);
Numbers get_image(const Tensor&);  // row-major [N,C,H,W]

}  // namespace snag
