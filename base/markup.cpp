#include "base/markup.h"

#include <array>
#include <charconv>
#include <cmath>

namespace snag {
namespace {

std::string in_format(double value, std::chars_format format, int precision) {
  if (!std::isfinite(value)) return std::isnan(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  std::array<char, 400> text{};  // the largest double has 309 digits before its point
  return {text.begin(), std::to_chars(text.begin(), text.end(), value, format, precision).ptr};
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        if ((static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\n') || c == '\x7f')
          out += "\uFFFD";
        else
          out += c;
    }
  }
  return out;
}

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const auto byte = [&](std::size_t k) { return k < left ? static_cast<unsigned char>(bytes[i + k]) : 0u; };
    const unsigned bits = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (unsigned k = 0; k < 4; ++k) out += k <= left ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::string decimal(double value, int places) {
  const std::string digits = in_format(value, std::chars_format::fixed, places);
  const bool zero = std::isfinite(value) && digits.find_first_of("123456789") == std::string::npos;
  return zero && digits.front() == '-' ? digits.substr(1) : digits;
}

std::string significant(double value, int digits) { return in_format(value, std::chars_format::general, digits); }

std::string grouped(std::int64_t value) {
  std::string out = std::to_string(value);
  const std::ptrdiff_t first = value < 0 ? 1 : 0;
  for (auto at = static_cast<std::ptrdiff_t>(out.size()) - 3; at > first; at -= 3)
    out.insert(static_cast<std::size_t>(at), ",");
  return out;
}

}  // namespace snag
