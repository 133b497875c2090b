#include "base/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <utility>

namespace snag {
namespace {

const double redraw_seconds = 0.1;
const char* const erase_line = "\r\x1b[K";

template <typename... Values>
std::string format(const char* pattern, Values... values) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), pattern, values...);
  return text.data();
}

// Three digits at least: 1250, 41.7, 0.032.
std::string format_rate(double rate) {
  if (!(rate > 0) || !std::isfinite(rate)) {
    return "?";
  }
  return rate >= 100 ? format("%.0f", rate) : format("%.3g", rate);
}

int terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string bar(double share, int width) {
  const int full = static_cast<int>(share * width);
  std::string text(static_cast<std::size_t>(width), ' ');
  std::fill_n(text.begin(), full, '=');
  if (full < width) {
    text[static_cast<std::size_t>(full)] = '>';
  }
  return " [" + text + "]";
}

// The part that fits, never half a UTF-8 character: a line that wraps could not be rewritten.
std::string fit(std::string text, int columns) {
  std::size_t end = std::min(text.size(), static_cast<std::size_t>(std::max(columns - 1, 0)));
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  text.resize(end);
  return text;
}

}  // namespace

std::string format_duration(double seconds) {
  if (!(seconds >= 0) || seconds > 1e12) {
    return "?";
  }
  const long long s = std::llround(seconds);
  if (s < 3600) {
    return format("%lld:%02lld", s / 60, s % 60);
  }
  const long long minutes = std::llround(seconds / 60);
  if (minutes < 1440) {
    return format("%lld h %02lld min", minutes / 60, minutes % 60);
  }
  const long long hours = std::llround(seconds / 3600);
  return format("%lld d %02lld h", hours / 24, hours % 24);
}

ProgressOutput ProgressOutput::standard(bool quiet) {
  const char* kind = std::getenv("TERM");
  const bool rewritable = ::isatty(STDERR_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
  return {quiet ? nullptr : &std::cerr, rewritable, terminal_columns, steady_seconds};
}

Progress::Progress(ProgressOutput output, std::string label, std::string unit, std::int64_t total, std::int64_t first)
    : output_(std::move(output)),
      label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      first_(first),
      done_(first),
      start_(output_.clock()),
      drawn_at_(-std::numeric_limits<double>::infinity()) {}

Progress::~Progress() { clear(); }

void Progress::update(std::int64_t done, std::string_view note) {
  done_ = done;
  if (output_.stream == nullptr || !output_.terminal) {
    return;
  }
  note_ = note;
  if (const double now = output_.clock(); now - drawn_at_ >= redraw_seconds) {
    draw(now);
  }
}

void Progress::milestone(std::string_view line) {
  if (output_.stream == nullptr) {
    return;
  }
  const bool redraw = visible_;
  clear();
  *output_.stream << std::string(line) + '\n' << std::flush;
  if (redraw) {
    draw(output_.clock());
  }
}

void Progress::finish(std::string_view note) {
  const double seconds = output_.clock() - start_;
  const double rate = static_cast<double>(done_ - first_) / seconds;
  std::string text = label_ + "  " + std::to_string(done_) + " " + unit_ + " in " + format_duration(seconds) + "  " +
                     format_rate(rate) + " " + unit_ + "/s";
  if (!note.empty()) {
    text += "  " + std::string(note);
  }
  clear();
  milestone(text);
}

std::string Progress::line(double now) const {
  const double rate = static_cast<double>(done_ - first_) / (now - start_);
  const std::string done = std::to_string(done_), speed = " " + unit_ + "  " + format_rate(rate) + " " + unit_ + "/s";
  const std::string note = note_.empty() ? "" : "  " + note_;
  const int columns = output_.columns();
  if (total_ <= 0) {
    return fit(label_ + "  " + done + speed + note, columns);
  }
  const double share = std::clamp(static_cast<double>(done_) / static_cast<double>(total_), 0.0, 1.0);
  const double left = static_cast<double>(std::max<std::int64_t>(total_ - done_, 0));
  const std::string tail = format("  %2d %%  ", static_cast<int>(100 * share)) + done + "/" + std::to_string(total_) +
                           speed + "  ETA " + format_duration(left / rate) + note;
  const int room = columns - 1 - static_cast<int>(label_.size() + tail.size() + std::string_view(" []").size());
  return fit(label_ + (room >= 10 ? bar(share, std::min(room, 40)) : "") + tail, columns);
}

void Progress::draw(double now) {
  *output_.stream << std::string("\r") + line(now) + "\x1b[K" << std::flush;
  visible_ = true;
  drawn_at_ = now;
}

void Progress::clear() {
  if (visible_) {
    *output_.stream << erase_line << std::flush;
    visible_ = false;
  }
}

}  // namespace snag
