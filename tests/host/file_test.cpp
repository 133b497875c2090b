#include "base/file.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/error_of.h"
#include "tests/temp_folder.h"

namespace snag {
namespace {

// Runs `action` in a child process, which may limit or lower itself; returns the message of its Error, "" if none.
std::string error_in_child(const std::function<void()>& action) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::string message;
    try {
      action();
    } catch (const std::exception& e) {
      message = e.what();
    }
    const bool sent = ::write(ends[1], message.data(), message.size()) == static_cast<ssize_t>(message.size());
    ::_exit(sent ? 0 : 1);
  }
  ::close(ends[1]);
  std::string message;
  char c;
  while (::read(ends[0], &c, 1) == 1) {
    message += c;
  }
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  return message;
}

void limit_file_size(rlim_t bytes) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{bytes, bytes};
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("a file reads back as it was written, whatever its bytes and length") {
  const TempFolder folder;
  for (const std::size_t n : {0, 1, 4095, 4096, 4097, 1'000'000}) {
    std::string bytes(n, '\0');
    for (std::size_t i = 0; i < n; ++i) {
      bytes[i] = static_cast<char>(i * 31 % 256);
    }
    write_file(folder / "f", bytes);
    CHECK(read_file(folder / "f") == bytes);
    CHECK(folder.entries() == 1);
  }
}

TEST_CASE("files whose size is unknown beforehand read to their end") {
  CHECK(contains(read_file("/proc/self/status"), "Pid:"));
  const TempFolder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const std::string bytes(100'000, 'x');
  std::thread writer([&] { std::ofstream(folder / "pipe") << bytes; });
  CHECK(read_file(folder / "pipe") == bytes);
  writer.join();
}

TEST_CASE("what cannot be read is an Error that names path and reason") {
  const TempFolder folder;
  check_error(error_of([&] { read_file(folder / "none"); }), Exit::io, {folder / "none", "No such file", "check"});
  check_error(error_of([&] { read_file(folder.path()); }), Exit::io, {folder.path(), "Is a directory", "not a folder"});
  check_error(error_of([] { read_file("/dev/null/x"); }), Exit::io, {"/dev/null/x", "Not a directory"});
  check_error(error_of([] { read_file("/dev/zero"); }), Exit::io, {"/dev/zero", "device"});
}

#ifndef __SANITIZE_ADDRESS__  // AddressSanitizer reserves more than any limit and ends the process itself
TEST_CASE("a file larger than memory is an Error") {
  const TempFolder folder;
  std::ofstream(folder / "huge").close();
  std::error_code unsupported;
  std::filesystem::resize_file(folder / "huge", std::uintmax_t{1} << 43, unsupported);
  if (unsupported) {
    MESSAGE("skipped: no sparse files here");
    return;
  }
  const std::string message = error_in_child([&] {
    const rlimit limit{1U << 30, 1U << 30};
    ::setrlimit(RLIMIT_AS, &limit);
    read_file(folder / "huge");
  });
  CHECK(contains(message, "Cannot allocate memory"));
}
#endif

TEST_CASE("permissions are an Error, not a crash, and leave nothing behind") {
  const TempFolder folder;
  write_file(folder / "secret", "x");
  REQUIRE(::chmod((folder / "secret").c_str(), 0) == 0);
  REQUIRE(::chmod(folder.path().c_str(), 0555) == 0);
  const auto lower = [] {
    if (::getuid() == 0) {
      REQUIRE(::setuid(65534) == 0);
    }
  };
  const std::string read = error_in_child([&] {
    lower();
    read_file(folder / "secret");
  });
  const std::string written = error_in_child([&] {
    lower();
    write_file(folder / "new", "x");
  });
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  CHECK(contains(read, "Permission denied"));
  CHECK(contains(written, "Permission denied"));
  CHECK(contains(written, "check the permissions"));
  CHECK(folder.entries() == 1);
}

TEST_CASE("a write into a missing folder, over a folder or below a file is an Error") {
  const TempFolder folder;
  check_error(error_of([&] { write_file(folder / "none/f", "x"); }), Exit::io, {folder / "none/f", "No such file"});
  check_error(error_of([&] { write_file(folder.path(), "x"); }), Exit::io, {folder.path(), "Is a directory"});
  check_error(error_of([] { write_file("/dev/null/x", "x"); }), Exit::io, {"/dev/null/x", "Not a directory"});
  check_error(error_of([] { write_file("", "x"); }), Exit::io, {"No such file"});
  CHECK(folder.entries() == 0);
}

TEST_CASE("a write stopped half way keeps the old content and removes the temporary file") {
  const TempFolder folder;
  write_file(folder / "f", "old");
  const std::string message = error_in_child([&] {
    limit_file_size(1000);
    write_file(folder / "f", std::string(5000, 'n'));
  });
  CHECK(contains(message, folder / "f"));
  CHECK(contains(message, "File too large"));
  CHECK(contains(message, "ulimit -f"));
  CHECK(read_file(folder / "f") == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a pipe is written through, never replaced") {
  const TempFolder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  std::string received;
  std::thread reader([&] { received = read_file(folder / "pipe"); });
  write_file(folder / "pipe", "through");
  reader.join();
  CHECK(received == "through");
  CHECK(std::filesystem::is_fifo(folder / "pipe"));
}

TEST_CASE("a full device is an Error") {
  check_error(error_of([] { write_file("/dev/full", "x"); }), Exit::io, {"/dev/full", "No space left", "free some"});
}

TEST_CASE("a rewritten file keeps its permissions, a link to it stays a link") {
  const TempFolder folder;
  write_file(folder / "f", "one");
  std::filesystem::permissions(folder / "f", std::filesystem::perms{0600});
  std::filesystem::create_symlink("f", folder / "link");
  write_file(folder / "link", "two");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_file(folder / "f") == "two");
  CHECK(std::filesystem::status(folder / "f").permissions() == std::filesystem::perms{0600});
}

TEST_CASE("a temporary file left by a crash does not stop a later write") {
  const TempFolder folder;
  const std::string stem = (folder / "f") + ".tmp-" + std::to_string(::getpid()) + "-";
  for (int i = 0; i < 300; ++i) {
    std::ofstream(stem + std::to_string(i)) << "left";
  }
  write_file(folder / "f", "new");
  CHECK(read_file(folder / "f") == "new");
}

TEST_CASE("threads that write one path leave one whole content") {
  const TempFolder folder;
  std::vector<std::thread> writers;
  for (char c = 'a'; c < 'e'; ++c) {
    writers.emplace_back([&folder, c] {
      for (int i = 0; i < 20; ++i) {
        write_file(folder / "f", std::string(10'000, c));
      }
    });
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  const std::string content = read_file(folder / "f");
  CHECK(content == std::string(10'000, content[0]));
  CHECK(folder.entries() == 1);
}

TEST_CASE("sha256 agrees with the examples of FIPS 180-2") {
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace snag
