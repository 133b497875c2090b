#pragma once
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

namespace snag {

// "0:07", "1:23", "2 h 05 min", "3 d 04 h"; "?" for what is no time (negative, NaN, infinite).
std::string format_duration(double seconds);

// Where progress goes; tests put their own clock and stream here.
struct ProgressOutput {
  std::ostream* stream;           // null: silent
  bool terminal;                  // a line may be rewritten
  std::function<int()> columns;   // of the terminal now
  std::function<double()> clock;  // seconds, never backwards

  // Standard error; silent when `quiet`.
  static ProgressOutput standard(bool quiet);
};

// Progress of long work. On a terminal one line, rewritten at most ten times a second:
//   epoch 3 [=======>         ]  41 %  2664/6500 images  1250 images/s  ETA 0:03  loss 0.12
// Elsewhere (a pipe, a log file) only what milestone() and finish() are given, a line each. Never throws for a stream
// that cannot be written.
class Progress {
 public:
  // total 0: unknown, no bar. Rate and ETA count from `first`, so resumed work is not taken for fast.
  Progress(ProgressOutput output, std::string label, std::string unit, std::int64_t total, std::int64_t first = 0);
  ~Progress();  // takes an unfinished line away, so that an error message starts on a clean one
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Cheap enough to call at each step. `note` stands at the end of the line until the next update.
  void update(std::int64_t done, std::string_view note = {});
  // A line of its own, for good; on a terminal the progress line moves below it.
  void milestone(std::string_view line);
  // The last words: a line with the total time and rate.
  void finish(std::string_view note = {});

 private:
  std::string line(double now) const;
  void draw(double now);
  void clear();

  ProgressOutput output_;
  std::string label_, unit_, note_;
  std::int64_t total_, first_, done_;
  double start_, drawn_at_;
  bool visible_ = false;
};

}  // namespace snag
