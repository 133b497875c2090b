#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace snag {

// Pieces of an HTML page.

// `text` for element content and quoted attributes: & < > " ' become entities, control characters U+FFFD.
std::string escape_html(std::string_view text);

// RFC 4648, padded.
std::string base64(std::string_view bytes);

// Numbers for people: decimal(0.97349, 3) is "0.973", significant(0.0036131, 3) is "0.00361", grouped(12345) is
// "12,345".
std::string decimal(double value, int places);
std::string significant(double value, int digits);
std::string grouped(std::int64_t value);

}  // namespace snag
