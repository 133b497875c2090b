#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "tests/support.h"

namespace snag {
namespace {

TEST_CASE("memory is a stack, aligned to 64 bytes, and poisoned on request") {
  const auto backend = make_cpu_backend({.threads = 1, .arena_bytes = 1 << 20, .poison = true});
  const auto* a = static_cast<const unsigned char*>(backend->alloc(3));
  const std::size_t mark = backend->mark();
  auto* b = static_cast<unsigned char*>(backend->alloc(100));
  CHECK(reinterpret_cast<std::uintptr_t>(a) % 64 == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(b) % 64 == 0);
  CHECK(b >= a + 3);
  CHECK(std::all_of(b, b + 100, [](unsigned char c) { return c == 0xFF; }));
  std::memset(b, 1, 100);
  backend->rewind(mark);
  CHECK(backend->mark() == mark);
  CHECK(backend->alloc(100) == b);
  CHECK(std::all_of(b, b + 100, [](unsigned char c) { return c == 0xFF; }));
  CHECK(backend->peak() == backend->mark());
}

TEST_CASE("running out of memory says what was needed, what is in use and what to do") {
  const auto backend = make_cpu_backend({.threads = 1, .arena_bytes = 1 << 20});
  backend->alloc(1 << 19);
  const std::size_t mark = backend->mark();
  for (const std::size_t bytes : {(std::size_t{1} << 19) + 1, std::size_t{1} << 40, ~std::size_t{0}}) {
    try {
      backend->alloc(bytes);
      FAIL("no error");
    } catch (const Error& e) {
      CHECK(e.code() == Exit::device);
      const std::string what = e.what();
      CHECK(what.find("0.5 MiB of 1.0 MiB in use") != std::string::npos);
      CHECK(what.find("--batch-size") != std::string::npos);
    }
    CHECK(backend->mark() == mark);
  }
  CHECK_NOTHROW(backend->alloc(1 << 19));
  try {
    make_cpu_backend({.threads = 1, .arena_bytes = std::size_t{1} << 60});
    FAIL("no error");
  } catch (const Error& e) {
    CHECK(e.code() == Exit::device);
    CHECK(std::string(e.what()).find("cannot reserve") != std::string::npos);
  }
}

TEST_CASE("a recording runs its step again") {
  const auto backend = make_cpu_backend({.threads = 2, .arena_bytes = 1 << 20});
  const Counter counter = put_counter(*backend, 3);
  const auto step = backend->record([&] { backend->run(Advance{.counter = counter}); });
  step->run();
  step->run();
  std::int32_t value = 0;
  backend->download(&value, counter.data, sizeof value);
  CHECK(value == 5);
}

}  // namespace
}  // namespace snag
