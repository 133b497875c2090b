#include "models/detector.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "models/device.h"
#include "models/run_folder.h"

namespace snag {
namespace {

Images slice(const Images& from, int begin, int count) {
  const auto size = static_cast<std::ptrdiff_t>(from.image(0).size());
  const auto first = from.pixels.begin() + begin * size;
  return {count, from.height, from.width, {first, first + count * size}, from.channels};
}

std::string weights_path(const std::string& folder) { return folder + "/weights.safetensors"; }

}  // namespace

Detector::Network::Network(Backend& backend, const Config& config, const Checkpoint& from)
    : tape(backend), scorer(tape, config, from) {}

Detector::Detector(Config config, float threshold, const Checkpoint& weights, std::unique_ptr<Backend> backend)
    : config_(std::move(config)), threshold_(threshold), backend_(std::move(backend)) {
  if (config_.model == "knn")
    model_.emplace<Knn>(*backend_, weights, config_.neighbours);
  else if (config_.model == "pca")
    model_.emplace<Pca>(*backend_, weights);
  else
    model_ = std::make_unique<Network>(*backend_, config_, weights);
}

SavedDetector read_detector(const std::string& folder) {
  if (!std::filesystem::is_directory(folder)) throw Error(Exit::usage, folder + " is not a folder: give that of a run");
  check_folder(folder, true, false);
  if (!finished(folder))
    throw Error(Exit::usage, folder +
                                 " holds an unfinished run, which has no threshold: finish it with train_gan "
                                 "--resume --out " +
                                 folder);
  Config config;
  read_config(config, folder + "/config.json");
  check(config);
  if (config.model == "random")
    throw Error(Exit::usage, folder +
                                 " holds a run of model random, which draws its scores without looking: choose "
                                 "a run of another model");
  const Json summary = parse_json(read_file(folder + "/summary.json"), folder + "/summary.json", Exit::data);
  const auto threshold = static_cast<float>(get_real(summary, "threshold", -HUGE_VAL, HUGE_VAL));
  Checkpoint weights = read_safetensors(weights_path(folder));
  const auto model = weights.metadata.find("model");
  if (model == weights.metadata.end() || model->second != config.model)
    throw Error(Exit::checkpoint,
                weights_path(folder) + ": is not of model " + config.model + ": it is damaged or of another run");
  return {std::move(config), threshold, std::move(weights)};
}

Detector Detector::open(const std::string& folder, const DetectorOptions& options) {
  auto [config, threshold, weights] = read_detector(folder);
  config.device = options.device;
  config.threads = options.threads;
  config.memory = options.memory;
  try {
    const auto need = [&config = config, &weights = weights] {
      Detector counted(config, 0, weights, make_counting_backend());
      const int channels = image_channels(config);
      const std::vector<std::uint8_t> black(
          static_cast<std::size_t>(kScoringBatch * config.size * config.size * channels));
      counted.score({kScoringBatch, config.size, config.size, black, channels}, true);
      return counted.backend_->peak();
    };
    return Detector(config, threshold, weights, make_backend(config, need));
  } catch (const Error& e) {
    if (e.code() != Exit::checkpoint) throw;
    throw Error(e.code(), weights_path(folder) + ": " + e.what());
  }
}

bool Detector::reconstructs() const {
  const auto* network = std::get_if<std::unique_ptr<Network>>(&model_);
  return network && (*network)->scorer.reconstructs();
}

Detector::Result Detector::score(const Images& images, bool with_reconstruction) {
  const auto size = [](int height, int width, int channels) {
    return std::to_string(height) + " x " + std::to_string(width) + " x " + std::to_string(channels);
  };
  const int channels = image_channels(config_);
  if (images.height != config_.size || images.width != config_.size || images.channels != channels)
    throw Error(Exit::data, "images of " + size(images.height, images.width, images.channels) +
                                " values; this detector takes " + size(config_.size, config_.size, channels) +
                                ": resize them");
  if (const auto* knn = std::get_if<Knn>(&model_)) return {knn->score(images), {}, {}};
  if (const auto* pca = std::get_if<Pca>(&model_)) return {pca->score(images), {}, {}};
  Network& network = *std::get<std::unique_ptr<Network>>(model_);
  Result result;
  for (int begin = 0; begin < images.count; begin += kScoringBatch) {
    const Verdict v = judge(network.tape, slice(images, begin, std::min(kScoringBatch, images.count - begin)),
                            with_reconstruction, [&](Tensor x) { return network.scorer.score(x); });
    result.score.insert(result.score.end(), v.score.begin(), v.score.end());
    result.reconstruction.insert(result.reconstruction.end(), v.reconstruction.begin(), v.reconstruction.end());
  }
  if (!result.reconstruction.empty()) result.error = error_map(images.pixels, result.reconstruction, channels);
  return result;
}

}  // namespace snag
