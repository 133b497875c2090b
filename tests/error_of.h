#pragma once
#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/error.h"

namespace snag {

// The Error that `action` must throw.
template <typename Action>
Error error_of(Action action) {
  try {
    action();
  } catch (const Error& e) {
    return e;
  }
  FAIL("no Error was thrown");
  throw;  // not reached: FAIL throws
}

// The Error's code is `code`, and its message is one printable line that holds each of `parts`.
inline void check_error(const Error& e, Exit code, std::initializer_list<std::string_view> parts) {
  const std::string message = e.what();
  CAPTURE(message);
  CHECK(e.code() == code);
  CHECK(message.find('\n') == std::string::npos);
  for (const std::string_view part : parts) {
    CAPTURE(part);
    CHECK(message.find(part) != std::string::npos);
  }
}

}  // namespace snag
