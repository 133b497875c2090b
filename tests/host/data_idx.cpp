#include "data/idx.h"

#include "tests/host/data_files.h"

using namespace snag;
using namespace data_test;

TEST_CASE("idx: plain and gzip files give the same images, whatever their names") {
  const TempDir dir;
  const Bytes pixels = random_bytes(3 * 4 * 4);
  const Bytes file = idx_header({3, 4, 4}) + pixels;
  for (const auto& path : {dir.write("plain", file), dir.write("plain.gz", file), dir.write("packed.gz", gzip(file)),
                           dir.write("packed", gzip(file))}) {
    CAPTURE(path.string());
    const Images images = read_idx_images(path);
    CHECK(images.count == 3);
    CHECK(images.height == 4);
    CHECK(images.width == 4);
    CHECK(images.pixels == pixels);
  }
}

TEST_CASE("idx: image(i) is the i-th block of pixels") {
  const TempDir dir;
  const Images images =
      read_idx_images(dir.write("a", idx_header({3, 2, 2}) + Bytes{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  const auto last = images.image(2);
  CHECK(Bytes(last.begin(), last.end()) == Bytes{8, 9, 10, 11});
}

TEST_CASE("idx: any number of images and labels, across the reader's buffers and chunks") {
  const TempDir dir;
  for (const std::uint32_t n : {1U, 2U, 83U, 84U, 1337U, 1338U, 5000U}) {
    CAPTURE(n);
    const Bytes pixels = random_bytes(n * 784, n);
    CHECK(read_idx_images(dir.write("i", idx_header({n, 28, 28}) + pixels)).pixels == pixels);
    CHECK(read_idx_images(dir.write("z", gzip(idx_header({n, 28, 28}) + pixels))).pixels == pixels);
    Bytes labels = random_bytes(n);
    for (std::uint8_t& label : labels) label %= 10;
    CHECK(read_idx_labels(dir.write("l", idx_header({n}) + labels)) == labels);
  }
}

TEST_CASE("idx: gzip members one after the other are one file, as gunzip has it") {
  const TempDir dir;
  const Bytes pixels = random_bytes(200 * 784);
  const Bytes file = idx_header({200, 28, 28}) + pixels;
  const auto half = file.begin() + 70000;
  const Bytes parts = gzip({file.begin(), half}) + gzip({half, file.end()});
  CHECK(read_idx_images(dir.write("two.gz", parts)).pixels == pixels);
}

TEST_CASE("idx: read_split finds every usual name, plain before gzip") {
  const Bytes images = idx_header({2, 1, 1}) + Bytes{5, 6}, labels = idx_header({2}) + Bytes{9, 0};
  for (const std::string split : {"train", "t10k"})
    for (const std::string separator : {"-", "."})
      for (const bool packed : {false, true}) {
        const TempDir dir;
        const std::string end = packed ? ".gz" : "";
        dir.write(split + "-images" + separator + "idx3-ubyte" + end, packed ? gzip(images) : images);
        dir.write(split + "-labels" + separator + "idx1-ubyte" + end, packed ? gzip(labels) : labels);
        const LabelledImages data = read_split(dir.path(), split);
        CHECK(data.images.pixels == Bytes{5, 6});
        CHECK(data.labels == Bytes{9, 0});
      }
  const TempDir dir;
  dir.write("train-images-idx3-ubyte", images);
  dir.write("train-images-idx3-ubyte.gz", {});
  dir.write("train-labels.idx1-ubyte.gz", gzip(labels));
  CHECK(read_split(dir.path(), "train").labels == Bytes{9, 0});
}
