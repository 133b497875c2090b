#include "models/run_folder.h"

#include <sys/utsname.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>

#include "base/canvas.h"
#include "base/error.h"
#include "base/file.h"
#include "models/cases.h"
#include "models/charts.h"
#include "models/sample_layout.h"
#include "models/tiles.h"

namespace snag {
namespace {

namespace fs = std::filesystem;

const char* const kParts[] = {"config.json",         "environment.json",  "metrics.csv",   "train.log",
                              "weights.safetensors", "state.safetensors", "samples",       "scores.csv",
                              "summary.json",        "report.html",       event_file_name, "validation.csv",
                              "test_files.txt",      "bad_images.txt",    cases_table,     cases_picture};

// Whatever keeps us from looking shows when the folder is made.
bool there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool holds_run(const std::string& folder) { return there(fs::path(folder) / "config.json"); }

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown";
}

}  // namespace

std::string choose_folder(const Config& config) {
  if (!config.out.empty()) return config.out;
  std::string classes;
  for (const int c : config.normal_class) classes += (classes.empty() ? "" : "+") + std::to_string(c);
  const std::string base = "runs/" + config.model + "-c" + classes + "-s" + std::to_string(config.seed);
  std::string folder = base;
  for (int k = 2; there(folder); ++k) folder = base + "-" + std::to_string(k);
  return folder;
}

bool finished(const std::string& folder) { return there(fs::path(folder) / "summary.json"); }

void check_folder(const std::string& folder, bool resume, bool overwrite) {
  if (there(folder) && !fs::is_directory(folder))
    throw Error(Exit::io, folder + " is a file: choose another folder with --out");
  if (resume && !holds_run(folder))
    throw Error(Exit::usage,
                "--resume: " + folder + " holds no run (no config.json): check --out, or start without --resume");
  if (resume || overwrite || !holds_run(folder)) return;
  throw Error(Exit::usage,
              folder + (finished(folder)
                            ? " holds a finished run: choose another --out, or replace it with --overwrite"
                            : " holds an unfinished run: go on with --resume, replace it with --overwrite, or choose "
                              "another --out"));
}

void prepare_folder(const std::string& folder, bool resume) {
  std::error_code error;
  if (!resume)
    for (const char* part : kParts) {
      fs::remove_all(fs::path(folder) / part, error);
      if (error && error != std::errc::not_a_directory)
        throw Error(Exit::io, "cannot remove " + folder + "/" + part + ": " + error.message());
    }
  fs::create_directories(fs::path(folder) / "samples", error);
  if (error)
    throw Error(Exit::io, "cannot make the folder " + folder + ": " + error.message() + "; choose another with --out");
}

void write_environment(const std::string& folder, const Config& config, const Backend& backend,
                       const std::string& data_sum) {
  utsname host{};
  uname(&host);
  nlohmann::ordered_json json{{"snag", SNAG_VERSION},
                              {"compiler", std::string("g++ ") + __VERSION__},
                              {"real", sizeof(real) == 4 ? "float" : "double"},
                              {"device", backend.name()},
                              {"processor", processor()},
                              {"system", std::string(host.sysname) + " " + host.release + " " + host.machine},
                              {"data", config.data},
                              {"data_sha256", data_sum}};
  write_file(folder + "/environment.json", json.dump(2) + "\n");
}

void write_samples(const std::string& path, const Images& images, int normal,
                   const std::vector<float>& reconstruction) {
  namespace at = sample_layout;
  Canvas canvas(at::width(images.count, normal), at::height());
  canvas.text(at::left(0, normal), 5, "normal", black, 2);
  if (normal < images.count) canvas.text(at::left(normal, normal), 5, "anomalous", black, 2);
  const char* const rows[] = {"input", "reconstruction", "|error|"};
  for (int r = 0; r < 3; ++r) canvas.text(6, at::top(r) + at::kTile / 2 - 6, rows[r], black, r == 1 ? 1 : 2);
  for (int i = 0; i < images.count; ++i)
    draw_tiles(canvas, at::left(i, normal), at::top(0), images, i, of_image(reconstruction, images, i));
  canvas.write(path);
}

void write_lists(const std::string& folder, const Experiment& e) {
  std::string files;
  for (const std::string& path : e.test_files) files += path + "\n";
  if (!files.empty()) write_file(folder + "/test_files.txt", files);
  if (!e.bad_images.empty()) write_file(folder + "/bad_images.txt", e.bad_images);
}

void write_scores(const std::string& path, const Labelled& set, const std::vector<float>& score) {
  std::ostringstream csv;
  csv << "index,label,anomaly,score\n" << std::setprecision(9);
  for (std::size_t i = 0; i < score.size(); ++i)
    csv << i << ',' << int(set.label[i]) << ',' << int(set.anomaly[i]) << ',' << score[i] << '\n';
  write_file(path, csv.str());
}

}  // namespace snag
