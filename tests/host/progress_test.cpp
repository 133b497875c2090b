#include "base/progress.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <sstream>
#include <string>

namespace snag {
namespace {

// A terminal or a pipe, with a clock that the test turns.
struct Stage {
  std::ostringstream text;
  double now = 1000;
  int columns = 80;
  bool terminal = true;

  ProgressOutput output() {
    return {&text, terminal, [this] { return columns; }, [this] { return now; }};
  }
  // What a person sees: the lines that stay, and the last one as it stands.
  std::string screen() const {
    std::string shown, line;
    const std::string written = text.str();
    for (std::size_t i = 0; i < written.size(); ++i) {
      if (written[i] == '\r') {
        line.clear();  // the program redraws from the first column
      } else if (written[i] == '\n') {
        shown += line + "\n";
        line.clear();
      } else if (written.compare(i, 3, "\x1b[K") == 0) {
        i += 2;
      } else {
        line += written[i];
      }
    }
    return shown + line;
  }
};

TEST_CASE("durations read as people write them") {
  CHECK(format_duration(0) == "0:00");
  CHECK(format_duration(7.4) == "0:07");
  CHECK(format_duration(59.6) == "1:00");
  CHECK(format_duration(83) == "1:23");
  CHECK(format_duration(3599.4) == "59:59");
  CHECK(format_duration(3599.6) == "1 h 00 min");
  CHECK(format_duration(7500) == "2 h 05 min");
  CHECK(format_duration(86399) == "1 d 00 h");
  CHECK(format_duration(3.2 * 86400) == "3 d 05 h");
  CHECK(format_duration(-1) == "?");
  CHECK(format_duration(std::numeric_limits<double>::quiet_NaN()) == "?");
  CHECK(format_duration(std::numeric_limits<double>::infinity()) == "?");
}

TEST_CASE("on a terminal one line shows bar, counts, rate and time left") {
  Stage stage;
  stage.columns = 100;
  Progress progress(stage.output(), "train", "images", 200);
  stage.now += 10;
  progress.update(50, "loss 0.5");
  CHECK(stage.screen() ==
        "train [=========>                            ]  25 %  50/200 images  5 images/s  ETA 0:30  loss 0.5");
}

TEST_CASE("the line is redrawn at most ten times a second") {
  Stage stage;
  Progress progress(stage.output(), "train", "steps", 1000);
  for (int i = 1; i <= 1000; ++i) {
    stage.now += 0.001;
    progress.update(i);
  }
  const std::string written = stage.text.str();
  const auto drawn = std::count(written.begin(), written.end(), '\r');
  CHECK(drawn >= 9);
  CHECK(drawn <= 11);
}

TEST_CASE("rate and time left count from where resumed work began") {
  Stage stage;
  Progress progress(stage.output(), "train", "steps", 1000, 900);
  stage.now += 10;
  progress.update(950);
  CHECK(stage.screen().find("5 steps/s  ETA 0:10") != std::string::npos);
}

TEST_CASE("a line never reaches the last column, whatever the width") {
  for (const int columns : {1, 5, 20, 40, 60, 80, 300}) {
    Stage stage;
    stage.columns = columns;
    Progress progress(stage.output(), "ä long läbel", "images", 1'000'000);
    stage.now += 5;
    progress.update(123'456, "loss 0.123 nöte");
    CAPTURE(columns);
    CHECK(static_cast<int>(stage.screen().size()) < columns);
    CHECK(static_cast<int>(stage.screen().size()) <= 140);
  }
}

TEST_CASE("a milestone stays above the line, which goes on below it") {
  Stage stage;
  Progress progress(stage.output(), "t", "steps", 4);
  stage.now += 1;
  progress.update(1);
  const std::string line = stage.screen();
  progress.milestone("epoch 1  AUROC 0.91");
  CHECK(stage.screen() == "epoch 1  AUROC 0.91\n" + line);
}

TEST_CASE("the end leaves one line with the total, an early end leaves none") {
  Stage stage;
  {
    Progress progress(stage.output(), "score", "images", 300);
    stage.now += 100;
    progress.update(300);
    progress.finish("AUROC 0.9");
  }
  CHECK(stage.screen() == "score  300 images in 1:40  3 images/s  AUROC 0.9\n");
  Stage stopped;
  {
    Progress progress(stopped.output(), "score", "images", 300);
    progress.update(100);
  }
  CHECK(stopped.screen().empty());
}

TEST_CASE("a pipe gets plain lines for milestones and the end only") {
  Stage stage;
  stage.terminal = false;
  Progress progress(stage.output(), "score", "images", 300);
  for (int i = 1; i <= 300; ++i) {
    stage.now += 1;
    progress.update(i);
  }
  progress.milestone("half way");
  progress.finish();
  CHECK(stage.text.str() == "half way\nscore  300 images in 5:00  1 images/s\n");
}

TEST_CASE("quiet is silent") {
  Stage stage;
  ProgressOutput output = stage.output();
  output.stream = nullptr;
  Progress progress(output, "t", "steps", 2);
  progress.update(1);
  progress.milestone("m");
  progress.finish();
  CHECK(stage.text.str().empty());
  CHECK(ProgressOutput::standard(true).stream == nullptr);
  CHECK(ProgressOutput::standard(false).stream != nullptr);
}

TEST_CASE("no progress, no time and no total are shown as unknown, not as nonsense") {
  Stage stage;
  Progress progress(stage.output(), "t", "steps", 10);
  progress.update(0);
  CHECK(stage.screen().find("0/10 steps  ? steps/s  ETA ?") != std::string::npos);
  Stage open;
  Progress endless(open.output(), "t", "steps", 0);
  open.now += 2;
  endless.update(8);
  CHECK(open.screen() == "t  8 steps  4 steps/s");
}

}  // namespace
}  // namespace snag
