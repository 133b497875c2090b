#include "models/detector.h"

#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "data/idx.h"
#include "models/run.h"
#include "models/run_record.h"
#include "tests/host/data_files.h"
#include "tests/small_training.h"
#include "tests/temp_folder.h"

namespace snag {
namespace {

using data_test::check_error;

std::string text(const data_test::Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

// `count` images of each of ten classes: class k is bars of its own width, with noise.
void write_split(const std::string& folder, const std::string& split, std::uint32_t count) {
  const std::uint32_t n = 10 * count, side = kSide;
  data_test::Bytes images = data_test::idx_header({n, side, side}), labels = data_test::idx_header({n});
  const data_test::Bytes noise = data_test::random_bytes(std::size_t{n} * side * side, count);
  for (std::uint32_t i = 0; i < n; ++i) {
    labels.push_back(static_cast<std::uint8_t>(i % 10));
    for (std::uint32_t p = 0; p < side * side; ++p)
      images.push_back(
          static_cast<std::uint8_t>((p % side / (i % 10 + 1) % 2 ? 200 : 0) + noise[images.size() - 16] / 5));
  }
  write_file(folder + "/" + split + "-images-idx3-ubyte", text(images));
  write_file(folder + "/" + split + "-labels-idx1-ubyte", text(labels));
}

Config tiny(const std::string& model, const TempFolder& folder) {
  Config c = small(model);
  c.data = folder / "data";
  c.out = folder / model;
  c.epochs = 1;
  c.train_normal = 40;
  c.train_anomalous = 40;
  c.clusters = 2;
  c.components = 7;
  c.validation = 0.2;
  c.quiet = true;
  return c;
}

void train(const Config& config) {
  const volatile std::sig_atomic_t stop = 0;
  REQUIRE(run(config, stop) == 0);
}

struct Data {
  TempFolder folder;
  Data() {
    std::filesystem::create_directory(folder / "data");
    write_split(folder / "data", "train", 50);
    write_split(folder / "data", "t10k", 60);  // 600 images: more than two batches
  }
};

TEST_CASE("a detector scores as its run did, bit for bit") {
  const Data data;
  const Images test = read_split(data.folder / "data", "t10k").images;
  for (const char* model : {"knn", "pca", "cnn", "autoencoder", "restore", "gan", "dcgan", "dual_gan"}) {
    CAPTURE(model);
    const Config config = tiny(model, data.folder);
    train(config);
    const RunRecord record = read_run(config.out);
    Detector detector = Detector::open(config.out, {.device = "cpu", .threads = 1});
    CHECK(detector.threshold() == record.summary.value["threshold"].get<float>());
    const Detector::Result result = detector.score(test, true);
    CHECK(result.score == record.score);
    const bool makes = model != std::string("knn") && model != std::string("pca") && model != std::string("cnn");
    CHECK(detector.reconstructs() == makes);
    CHECK(result.reconstruction.size() == (makes ? test.pixels.size() : 0));
    CHECK(result.error.size() == result.reconstruction.size());
  }
}

TEST_CASE("the score is the mean of the error that is shown") {
  const Data data;
  const Config config = tiny("dual_gan", data.folder);
  train(config);
  Detector detector = Detector::open(config.out);
  const Images test = read_split(data.folder / "data", "t10k").images;
  const Detector::Result result = detector.score(test, true);
  for (const std::size_t i : {0u, 1u, 255u, 256u, 599u}) {
    double sum = 0;
    for (std::size_t p = 0; p < kPixels; ++p) sum += result.error[i * kPixels + p];
    CHECK(sum / kPixels == doctest::Approx(result.score[i]).epsilon(1e-5));
  }
}

TEST_CASE("what is no finished run is refused") {
  const Data data;
  Config config = tiny("dual_gan", data.folder);
  train(config);
  const auto open = [&](const std::string& folder) { return [=] { Detector::open(folder); }; };
  check_error(open(data.folder / "nowhere"), Exit::usage, "nowhere is not a folder");
  check_error(open(data.folder / "data"), Exit::usage, "holds no run");
  check_error(
      [&] {
        Detector::open(config.out).score({1, 16, 16, std::vector<std::uint8_t>(256)});
      },
      Exit::data, "takes 32 x 32 x 1");
  const std::string good = read_file(config.out + "/weights.safetensors");
  write_file(config.out + "/weights.safetensors", good.substr(0, good.size() / 2));
  check_error(open(config.out), Exit::checkpoint, "weights.safetensors");
  Checkpoint other = parse_safetensors(good, "good");
  other.metadata["model"] = "gan";
  write_safetensors(config.out + "/weights.safetensors", other);
  check_error(open(config.out), Exit::checkpoint, "is not of model dual_gan");
  other = parse_safetensors(good, "good");
  other.tensors.erase("G.encoder.0.conv.weight");
  write_safetensors(config.out + "/weights.safetensors", other);
  check_error(open(config.out), Exit::checkpoint, "G.encoder.0.conv");
  write_file(config.out + "/weights.safetensors", good);
  write_file(config.out + "/summary.json", "{\"threshold\": null}");
  check_error(open(config.out), Exit::data, "threshold");
  std::filesystem::remove(config.out + "/summary.json");
  check_error(open(config.out), Exit::usage, "unfinished");
  config = tiny("random", data.folder);
  train(config);
  check_error(open(config.out), Exit::usage, "random");
}

}  // namespace
}  // namespace snag
