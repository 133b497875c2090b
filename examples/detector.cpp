// Scores the test images of an IDX data set with a trained detector, and says which are anomalous.
// usage: detector RUN DATA
#include "snag.h"

#include <cstdio>

int main(int argc, char** argv) try {
  if (argc != 3) throw snag::Error(snag::Exit::usage, "usage: detector RUN DATA");
  snag::Detector detector = snag::Detector::open(argv[1]);
  const snag::Images images = snag::resize(snag::read_split(argv[2], "t10k").images, snag::kSide);

  const std::vector<float> score = detector.score(images).score;
  for (std::size_t i = 0; i < score.size(); ++i)
    std::printf("%zu\t%.9g\t%s\n", i, double(score[i]), score[i] >= detector.threshold() ? "anomalous" : "normal");
  return 0;
} catch (const snag::Error& e) {
  std::fprintf(stderr, "detector: %s\n", e.what());
  return static_cast<int>(e.code());
}
