#include <cmath>

#include "apps/command_line.h"
#include "apps/detect_images.h"

namespace {

constexpr const char* kFooter = R"(Examples:
  detect --model runs/parts photo.png
  detect --model runs/parts photos --csv > scores.csv
  find . -name '*.jpg' | detect --model runs/parts - --json --target-fpr 0.01
  detect --model runs/parts incoming --follow --heatmap maps
  detect --model runs/parts photo.png --fail-on-anomaly && ship

confidence: of the run's validation images of the other kind, the share beyond this one: for an anomalous image the
normal ones with a lower score, for a normal image the anomalous ones with a higher score (- where there were none).

Exit codes: 0 done, 10 an image is anomalous and --fail-on-anomaly was said, 2 usage, 3 bad image, 4 bad weights,
6 device or memory, 7 input/output, 130 or 143 interrupted.)";

snag::DetectOptions parse_options(int argc, char** argv) {
  snag::DetectOptions o;
  CLI::App app{"Scores images with a finished run and says which are anomalous.", "detect"};
  app.footer(kFooter);
  app.set_version_flag("--version", SNAG_VERSION);
  app.add_option("--model", o.run, "the run's folder")->required()->type_name("RUN");
  app.add_option("images", o.inputs, "image files, folders of them, or - for paths from standard input")
      ->required()
      ->type_name("IMAGE|DIR|-");
  auto* json = app.add_flag("--json", o.json, "an object a line");
  app.add_flag("--csv", o.csv, "comma-separated values")->excludes(json);
  auto* threshold = app.add_option("--threshold", o.threshold, "scores from here on are anomalous; else the run's own");
  auto* rate = app.add_option("--target-fpr", o.rate,
                              "choose the threshold that reports at most this share of the "
                              "run's normal validation images");
  rate->excludes(threshold);
  app.add_option("--heatmap", o.heat_maps, "folder for a picture of each image: itself, its reconstruction, the error")
      ->type_name("DIR");
  app.add_option("--npy", o.npy,
                 "folder for scores.npy, and reconstructions.npy and errors.npy where the model makes "
                 "them; kept in memory until the end")
      ->type_name("DIR");
  app.add_flag("--follow", o.follow, "watch the folder for new images until Ctrl-C");
  app.add_flag("--fail-on-anomaly", o.fail, "exit with code 10 if an image is anomalous");
  app.add_option("--on-bad-image", o.on_bad_image, "stop, or name it on standard error and go on")
      ->check(CLI::IsMember({"fail", "skip"}))
      ->capture_default_str();
  app.add_option("--device", o.detector.device, "where to compute")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
  app.add_option("--threads", o.detector.threads, "CPU threads; 0: all cores")->check(CLI::Range(0, 1024));
  app.add_flag("--quiet", o.quiet, "nothing on standard error but errors");
  snag::parse(app, argc, argv);
  o.has_threshold = threshold->count() > 0;
  o.has_rate = rate->count() > 0;
  if (o.has_threshold && !std::isfinite(o.threshold))
    throw snag::Error(snag::Exit::usage, "--threshold is not finite: give a number");
  if (o.has_rate && !(o.rate >= 0 && o.rate <= 1))
    throw snag::Error(snag::Exit::usage, "--target-fpr is no share: give a number from 0 to 1");
  return o;
}

}  // namespace

int main(int argc, char** argv) {
  const volatile std::sig_atomic_t& stop_signal = snag::stop_on_signals();
  return snag::run_program("detect", [&] { return snag::detect_images(parse_options(argc, argv), stop_signal); });
}
