#include "apps/detect_images.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "apps/detections.h"
#include "base/error.h"
#include "base/npy.h"
#include "base/progress.h"
#include "data/image_folder.h"
#include "data/path_stream.h"
#include "models/decision.h"
#include "models/heat_map.h"

namespace snag {
namespace {

constexpr int kAnomaly = 10;  // exit code

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw Error(Exit::io, "cannot make the folder " + path + ": " + error.message());
}

class Detect {
 public:
  Detect(const DetectOptions& o, const volatile std::sig_atomic_t& stop)
      : o_(o),
        stop_(stop),
        detector_(Detector::open(o.run, o.detector)),
        decision_(o.run),
        form_(o.json  ? Form::json
              : o.csv ? Form::csv
                      : Form::table),
        colour_(::isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR")) {
    if (!o.heat_maps.empty() && !detector_.reconstructs())
      throw Error(Exit::usage, "--heatmap: model " + detector_.config().model +
                                   " makes no reconstruction: drop it, or choose another run");
    threshold_ = o.has_threshold ? o.threshold : o.has_rate ? decision_.threshold_for(o.rate) : detector_.threshold();
    if (o.has_rate && o.rate * decision_.normal_images() < 1)
      say("warning: " + std::to_string(decision_.normal_images()) + " normal validation images cannot tell a rate of " +
          std::to_string(o.rate) + ": the threshold lies above all of them");
    for (const std::string& folder : {o.heat_maps, o.npy})
      if (!folder.empty()) make_folder(folder);
  }

  int run() {
    PathStream paths(o_.inputs, o_.follow, stop_);
    Progress progress(ProgressOutput::standard(o_.quiet || ::isatty(STDOUT_FILENO)), "detect", "images", 0);
    for (;;) {
      const std::vector<PathStream::Item> items = paths.next(kScoringBatch);
      if (items.empty()) break;
      score(items);
      progress.update(scored_);
    }
    if (!begun_) print(header(form_, !o_.heat_maps.empty()));
    progress.finish(std::to_string(anomalous_) + " anomalous");
    if (!o_.npy.empty()) write_arrays();
    return o_.fail && anomalous_ > 0 ? kAnomaly : stop_ ? 128 + stop_ : 0;
  }

 private:
  void say(const std::string& text) const {
    if (!o_.quiet) std::fprintf(stderr, "detect: %s\n", text.c_str());
  }

  void print(const std::string& text) const {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
      throw Error(Exit::io, "cannot write to standard output: is it closed, or the disk full?");
  }

  void score(const std::vector<PathStream::Item>& items) {
    std::vector<std::filesystem::path> files;
    for (const auto& item : items) files.push_back(item.path);
    const Config& c = detector_.config();
    const int threads =
        o_.detector.threads > 0 ? o_.detector.threads : static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
    const LoadedImages loaded = load_images(files, c.size, image_channels(c), threads);
    const bool pictures = !o_.heat_maps.empty() || !o_.npy.empty();
    const Detector::Result result = detector_.score(loaded.images, pictures);
    std::string lines = begun_ ? "" : header(form_, !o_.heat_maps.empty());
    for (std::size_t i = 0; i < loaded.kept.size(); ++i) {
      const auto& item = items[static_cast<std::size_t>(loaded.kept[i])];
      if (std::isnan(result.score[i]))
        throw Error(Exit::checkpoint, o_.run + ": its weights give no number for " + item.path.string());
      Detection d{item.path.string(), result.score[i], threshold_, {}, {}};
      d.confidence = decision_.confidence(d.score, d.anomalous());
      if (!o_.heat_maps.empty()) d.heat_map = draw(item.name, loaded.images, result, i);
      lines += line(form_, d, colour_);
      anomalous_ += d.anomalous();
    }
    if (!loaded.kept.empty()) {
      print(lines);
      begun_ = true;
    }
    scored_ += static_cast<std::int64_t>(loaded.kept.size());
    if (!o_.npy.empty()) keep(result);
    for (const auto& bad : loaded.bad) {
      if (o_.on_bad_image == "fail") throw Error(bad.code, bad.reason + "; --on-bad-image skip goes on without it");
      say("left out: " + bad.reason);
    }
  }

  // Draws image i; NAME.png, or NAME-2.png, ... for further images of that name. A folder below becomes a part of it.
  std::string draw(std::filesystem::path name, const Images& images, const Detector::Result& r, std::size_t i) {
    std::string base = name.replace_extension().string();
    std::replace(base.begin(), base.end(), '/', '_');
    std::string unused = base;
    for (int k = 2; !drawn_.insert(unused).second; ++k) unused = base + "-" + std::to_string(k);
    const auto part = [&](const std::vector<float>& all) {
      const std::size_t size = all.size() / r.score.size();
      return std::span(all).subspan(i * size, size);
    };
    const std::string path = o_.heat_maps + "/" + unused + ".png";
    heat_map(images.image(static_cast<int>(i)), part(r.reconstruction), part(r.error), images.height, images.channels)
        .write(path);
    return path;
  }

  void keep(const Detector::Result& r) {
    all_.score.insert(all_.score.end(), r.score.begin(), r.score.end());
    all_.reconstruction.insert(all_.reconstruction.end(), r.reconstruction.begin(), r.reconstruction.end());
    all_.error.insert(all_.error.end(), r.error.begin(), r.error.end());
  }

  void write_arrays() const {
    const std::int64_t side = detector_.config().size;
    const int channels = image_channels(detector_.config());
    write_npy(o_.npy + "/scores.npy", {scored_}, all_.score);
    if (!detector_.reconstructs()) return;
    std::vector<std::int64_t> extents{scored_, side, side};
    write_npy(o_.npy + "/errors.npy", extents, all_.error);
    if (channels > 1) extents.push_back(channels);
    write_npy(o_.npy + "/reconstructions.npy", extents, all_.reconstruction);
  }

  const DetectOptions& o_;
  const volatile std::sig_atomic_t& stop_;
  Detector detector_;
  Decision decision_;
  Form form_;
  bool colour_;
  float threshold_;
  bool begun_ = false;  // the header is out
  std::int64_t scored_ = 0, anomalous_ = 0;
  std::set<std::string> drawn_;
  Detector::Result all_;  // for --npy
};

}  // namespace

int detect_images(const DetectOptions& options, const volatile std::sig_atomic_t& stop) {
  return Detect(options, stop).run();
}

}  // namespace snag
