#include "models/onnx.h"

#include <sstream>

#include "base/error.h"
#include "kernels/onnx/backend.h"

namespace snag {
namespace {

// A network whose forward pass is written down.
struct Trace {
  explicit Trace(const SavedDetector& from)
      : shape{1, image_channels(from.config), from.config.size, from.config.size},
        tape(*backend),
        scorer(tape, with_network(from.config), from.weights) {
    for (const Weights::Named& w : scorer.entries()) backend->call(w.name, w.view);
  }

  Tensor input(const std::string& name) {
    const Tensor x = tape.leaf(shape);
    backend->input(name, x.view);
    return x;
  }
  void output(const std::string& name, Tensor y) { backend->output(name, y.view); }

  Shape shape;  // of one image
  std::unique_ptr<OnnxBackend> backend = make_onnx_backend();
  Tape tape;
  SavedScorer scorer;

 private:
  static const Config& with_network(const Config& config) {
    if (!trains(config.model))
      throw Error(Exit::usage, "model " + config.model + " has no network to export: choose a run of another model");
    return config;
  }
};

// Over the channels of each pixel.
Tensor channel_mean(Tensor x) {
  const int channels = x.shape().c;
  Tensor sum = slice_channels(x, 0, 1);
  for (int c = 1; c < channels; ++c) sum = add(sum, slice_channels(x, c, 1));
  return affine(sum, 1.0 / channels);
}

std::map<std::string, std::string> metadata(const SavedDetector& from) {
  std::ostringstream classes, threshold;
  for (const int c : from.config.normal_class) classes << (classes.tellp() > 0 ? "," : "") << c;
  threshold.precision(9);
  threshold << from.threshold;
  const std::string side = std::to_string(from.config.size);
  return {{"snag", SNAG_VERSION},
          {"model", from.config.model},
          {"normal_class", classes.str()},
          {"threshold", threshold.str()},
          {"decision", "anomalous where score >= threshold"},
          {"preprocessing", std::string(image_channels(from.config) == 1 ? "grey" : "RGB") + ", resized to " + side +
                                " x " + side +
                                " (each axis on its own: where it grows, bilinear between pixel centres; where it "
                                "shrinks, the mean of the area that "
                                "a pixel covers; rounded to whole numbers), 0 .. 255"}};
}

}  // namespace

bool has_generator(const Config& config) { return trains(config.model) && config.model != "cnn"; }

std::string onnx_scorer(const SavedDetector& from) {
  Trace trace(from);
  constexpr double kHalfRange = 127.5;
  const Tensor image = trace.input("image"), x = affine(image, 1 / kHalfRange, -1);
  const Scored scored = trace.scorer.score(x);
  trace.output("score", scored.score);
  if (scored.image) {
    trace.output("reconstruction", affine(scored.image, kHalfRange, kHalfRange));
    const Tensor error = abs_diff(scored.image, x);
    trace.output("heat_map", affine(error.shape().c == 1 ? error : channel_mean(error), kHalfRange));
  }
  return trace.backend->graph().model("scorer", "Anomaly scores of images, higher = more anomalous", metadata(from));
}

std::string onnx_generator(const SavedDetector& from) {
  if (!has_generator(from.config))
    throw Error(Exit::usage,
                "model " + from.config.model + " has no generator to export: choose a run of another model");
  Trace trace(from);
  trace.output("y", trace.scorer.reconstruct(trace.input("x")));
  return trace.backend->graph().model("generator", "Reconstruction of images in -1 .. 1", metadata(from));
}

}  // namespace snag
