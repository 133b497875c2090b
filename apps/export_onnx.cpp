#include "apps/command_line.h"
#include "base/file.h"
#include "models/onnx.h"

namespace {

constexpr const char* kFooter = R"(Examples:
  export_onnx --model runs/dual_gan                  runs/dual_gan/scorer.onnx and generator.onnx
  export_onnx --model runs/dual_gan --out factory    the same into another folder

scorer.onnx     image [N,1,h,w] in 0 .. 255 -> score [N], reconstruction, heat_map; threshold in its metadata
generator.onnx  x [N,1,h,w] in -1 .. 1 -> y; for models that have a generator

Exit codes: 0 done, 2 usage, 3 bad data, 4 bad weights, 7 input/output.)";

int export_onnx(int argc, char** argv) {
  std::string run, out;
  CLI::App app{"Writes the networks of a finished run as ONNX models, for other programs to run.", "export_onnx"};
  app.footer(kFooter);
  app.set_version_flag("--version", SNAG_VERSION);
  app.add_option("--model", run, "the run's folder")->required()->type_name("RUN");
  app.add_option("--out", out, "existing folder for the models; without it the run's")->type_name("DIR");
  snag::parse(app, argc, argv);
  if (out.empty()) out = run;

  const snag::SavedDetector detector = snag::read_detector(run);
  const auto write = [&](const std::string& name, const std::string& bytes) {
    const std::string path = out + "/" + name;
    snag::write_file(path, bytes);
    std::printf("%s\n", path.c_str());
  };
  write("scorer.onnx", snag::onnx_scorer(detector));
  if (snag::has_generator(detector.config)) write("generator.onnx", snag::onnx_generator(detector));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return snag::run_program("export_onnx", [&] { return export_onnx(argc, argv); });
}
