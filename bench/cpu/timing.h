#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace snag::bench {

// One way to do a piece of work.
struct Contender {
  std::string name;
  std::function<void()> call;
  // How long threads that it leaves behind may still spin: the next contender must not share the cores with them.
  std::chrono::milliseconds settle{0};
};

struct Timed {
  double us = 0;      // of one call: the median over the repeats
  double spread = 0;  // interquartile range over the median
  int repeats = 0;
  int disturbed = 0;  // of these, with other processes at work
};

struct Effort {
  int repeats = 30;
  double least_us = 100;                       // a repeat is so many calls that it takes this long
  std::chrono::duration<double> patience{30};  // seconds to wait in all until other processes leave the cores alone
};

// Times each of the contenders, which take turns (A B A B ...): a turn is some repeats after a warm-up. A turn during
// which others' processes wanted a core is taken again while patience lasts (what is spent is taken off): threads that
// wait for each other lose far more to that than threads that help each other, which is a question of its own.
std::vector<Timed> in_turn(const std::vector<Contender>&, Effort&);

// Does any other process want a core at this moment? No, where the system does not say.
bool others_run();

// Seconds of one call of `work`.
double seconds(const std::function<void()>& work);

// The value below which `share` of them lie.
double quantile(std::vector<double> values, double share);

}  // namespace snag::bench
