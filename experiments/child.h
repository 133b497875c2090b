#pragma once
#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

namespace snag {

// A process that runs one function and exits with what it returns. It dies when its parent dies, however that happens;
// signals from the terminal do not reach it.
class Child {
 public:
  // Standard output and error go to the file `log`. Throws Error{Exit::io} where no process can be made.
  Child(const std::string& log, const std::function<int()>&);
  ~Child();  // kills it
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;

  // Exit code, or 128 + the signal that killed it; none while it runs.
  std::optional<int> poll();
  void signal(int number);
  void kill_now();

 private:
  pid_t process_;
};

}  // namespace snag
