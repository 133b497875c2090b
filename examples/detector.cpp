// Scores PNG and JPEG images with a trained detector, and says which are anomalous.
// usage: detector RUN IMAGE...
#include <cstdio>

#include "snag.h"

int main(int argc, char** argv) try {
  if (argc < 3) throw snag::Error(snag::Exit::usage, "usage: detector RUN IMAGE...");
  snag::Detector detector = snag::Detector::open(argv[1]);
  const int size = detector.config().size, channels = snag::image_channels(detector.config());

  for (int i = 2; i < argc; ++i) {
    const snag::Picture picture = snag::with_channels(snag::read_picture(argv[i]), channels);
    const snag::Images image{1, size, size, snag::resample(picture, size).pixels, channels};
    const float score = detector.score(image).score.front();
    std::printf("%s\t%.9g\t%s\n", argv[i], double(score), score >= detector.threshold() ? "anomalous" : "normal");
  }
  return 0;
} catch (const snag::Error& e) {
  std::fprintf(stderr, "detector: %s\n", e.what());
  return static_cast<int>(e.code());
}
