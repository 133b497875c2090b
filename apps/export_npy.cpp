#include "apps/command_line.h"
#include "base/npy.h"
#include "models/detector.h"
#include "models/experiment.h"

namespace {

constexpr const char* kFooter = R"(Examples:
  export_npy --model runs/dual_gan --out arrays

scores.npy           float32 [images]; higher = more anomalous
reconstructions.npy  float32 [images, h, w], or [images, h, w, 3] in colour, black is -1 and white 1; for models that make them
errors.npy           float32 [images, h, w], |image - reconstruction|; for models that make them

Exit codes: 0 done, 2 usage, 3 bad data, 4 bad weights, 6 device or memory, 7 input/output.)";

int export_npy(int argc, char** argv) {
  std::string run, out, data;
  snag::DetectorOptions options;
  CLI::App app{"Scores the test images of a finished run again and writes NumPy arrays, in their order.", "export_npy"};
  app.footer(kFooter);
  app.set_version_flag("--version", SNAG_VERSION);
  app.add_option("--model", run, "the run's folder")->required()->type_name("RUN");
  app.add_option("--out", out, "existing folder for the arrays")->required()->type_name("DIR");
  app.add_option("--data", data, "where the run's data is now; without it where it was")->type_name("DIR");
  app.add_option("--threads", options.threads, "CPU threads; 0: all cores")->check(CLI::Range(0, 1024));
  snag::parse(app, argc, argv);

  snag::Detector detector = snag::Detector::open(run, options);
  snag::Config config = detector.config();
  if (!data.empty()) config.data = data;
  config.sampling = "random";  // of training images, which are not looked at
  const snag::Images images = snag::load_experiment(config).test.images;
  const snag::Detector::Result result = detector.score(images, true);
  const auto write = [&](const std::string& name, const std::vector<std::int64_t>& extents,
                         const std::vector<float>& values) {
    const std::string path = out + "/" + name;
    snag::write_npy(path, extents, values);
    std::printf("%s\n", path.c_str());
  };
  write("scores.npy", {images.count}, result.score);
  if (detector.reconstructs()) {
    std::vector<std::int64_t> extents{images.count, images.height, images.width};
    if (images.channels > 1) extents.push_back(images.channels);
    write("reconstructions.npy", extents, result.reconstruction);
    write("errors.npy", {images.count, images.height, images.width}, result.error);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return snag::run_program("export_npy", [&] { return export_npy(argc, argv); });
}
