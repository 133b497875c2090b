#pragma once
#include <stdexcept>
#include <string>

namespace snag {

// What a failure means to the caller's shell; `train_gan` exits with this number.
enum class Exit : int {
  usage = 2,        // bad flag or configuration
  data = 3,         // bad data set
  checkpoint = 4,   // corrupt or mismatched checkpoint
  diverged = 5,     // a loss became NaN or infinite
  device = 6,       // no such device, or out of memory
  io = 7,           // a file could not be read or written
  runs_failed = 8,  // some runs of a plan failed, the others are done
};

// One line that says what went wrong, where, and what to do.
class Error : public std::runtime_error {
 public:
  Error(Exit code, const std::string& message) : std::runtime_error(message), code_(code) {}
  Exit code() const { return code_; }

 private:
  Exit code_;
};

}  // namespace snag
