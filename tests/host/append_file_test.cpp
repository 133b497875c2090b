#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <utility>

#include "base/file.h"
#include "tests/error_of.h"
#include "tests/temp_folder.h"

namespace snag {
namespace {

TEST_CASE("each line is in the file when line() returns, and size() counts it") {
  const TempFolder folder;
  AppendFile log(folder / "log");
  log.line("one");
  CHECK(read_file(folder / "log") == "one\n");
  log.line("");
  log.sync();
  CHECK(read_file(folder / "log") == "one\n\n");
  CHECK(log.size() == 5);
}

TEST_CASE("an existing file is continued, and a last line without its end is ended first") {
  const TempFolder folder;
  write_file(folder / "log", "one\ntw");
  AppendFile log(folder / "log");
  log.line("three");
  CHECK(read_file(folder / "log") == "one\ntw\nthree\n");
  CHECK(log.size() == 13);
}

TEST_CASE("resuming cuts the rows after the checkpoint") {
  const TempFolder folder;
  write_file(folder / "csv", "epoch\n1\n2\n3\n");
  AppendFile csv(folder / "csv", 8);
  csv.line("b");
  CHECK(read_file(folder / "csv") == "epoch\n1\nb\n");
  CHECK(AppendFile(folder / "csv", 0).size() == 0);
  CHECK(read_file(folder / "csv").empty());
  CHECK(AppendFile(folder / "new", 0).size() == 0);
}

TEST_CASE("a file shorter than the checkpoint says, or missing, is an Error and stays as it is") {
  const TempFolder folder;
  write_file(folder / "csv", "1\n");
  check_error(error_of([&] { AppendFile(folder / "csv", 3); }), Exit::io, {folder / "csv", "2 bytes", "3 are"});
  check_error(error_of([&] { AppendFile(folder / "csv", -1); }), Exit::io, {folder / "csv"});
  check_error(error_of([&] { AppendFile(folder / "none", 3); }), Exit::io, {folder / "none", "No such file"});
  CHECK(read_file(folder / "csv") == "1\n");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a full disk is an Error at the line, a missing folder at the opening") {
  AppendFile full("/dev/full");
  check_error(error_of([&] { full.line("x"); }), Exit::io, {"/dev/full", "No space left"});
  check_error(error_of([] { AppendFile("/dev/null/x"); }), Exit::io, {"/dev/null/x"});
}

TEST_CASE("a line that does not fit is cut off whole") {
  const TempFolder folder;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{10, 10};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    int failures = 0;
    try {
      AppendFile csv(folder / "csv");
      csv.line("12345");
      try {
        csv.line("67890");
      } catch (const Error&) {
        ++failures;
      }
      csv.line("ab");  // what fits is still written
    } catch (const Error&) {
      ++failures;
    }
    ::_exit(failures);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 1);
  CHECK(read_file(folder / "csv") == "12345\nab\n");
}

TEST_CASE("a moved AppendFile goes on where it was") {
  const TempFolder folder;
  AppendFile first(folder / "log");
  first.line("1");
  AppendFile second = std::move(first);
  second.line("2");
  CHECK(read_file(folder / "log") == "1\n2\n");
}

}  // namespace
}  // namespace snag
