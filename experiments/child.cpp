#include "experiments/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <utility>

#include "base/descriptor.h"

namespace snag {

Child::Child(const std::string& log, const std::function<int()>& function) {
  const Descriptor output = open_file(log, O_WRONLY | O_CREAT | O_TRUNC, "cannot write");
  std::fflush(nullptr);  // or the child would write what is buffered a second time
  const pid_t parent = ::getpid();
  process_ = ::fork();
  if (process_ < 0) fail_io(log, "cannot start a process", errno);
  if (process_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it died before the line above
  ::setpgid(0, 0);
  ::dup2(output.get(), STDOUT_FILENO);
  ::dup2(output.get(), STDERR_FILENO);
  int code = 1;
  try {
    code = function();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
  }
  std::fflush(nullptr);
  ::_exit(code);
}

Child::~Child() {
  if (process_ > 0) kill_now();
}

Child::Child(Child&& other) noexcept : process_(std::exchange(other.process_, 0)) {}

std::optional<int> Child::poll() {
  int status = 0;
  const pid_t ended = ::waitpid(process_, &status, WNOHANG);
  if (ended != process_) return std::nullopt;
  process_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void Child::signal(int number) { ::kill(process_, number); }

void Child::kill_now() {
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = 0;
}

}  // namespace snag
