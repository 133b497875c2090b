#include <openssl/evp.h>

#include <cstdio>
#include <set>

#include "data/idx.h"
#include "data/one_vs_rest.h"
#include "tests/host/data_files.h"

using namespace snag;
using data_test::Bytes;

// The real files, where the Debian package dataset-fashion-mnist has put them.

namespace {

std::string md5(const Bytes& bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  REQUIRE(EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_md5(), nullptr) == 1);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", digest[i]);
    text += digits;
  }
  return text;
}

bool installed() {
  if (!default_data_dir().empty()) return true;
  MESSAGE("skipped: no Fashion-MNIST in its usual place");
  return false;
}

}  // namespace

TEST_CASE("Fashion-MNIST: every byte of the published files, 6,000 and 1,000 images a class") {
  if (!installed()) return;
  const struct {
    const char *split, *images_md5, *labels_md5;
    std::uint32_t count;
  } cases[] = {{"train", "f4a8712d7a061bf5bd6d2ca38dc4d50a", "9018921c3c673c538a1fc5bad174d6f9", 60000},
               {"t10k", "8181f5470baa50b63fa0f6fddb340f0a", "15d484375f8d13e6eb1aabb0c3f46965", 10000}};
  for (const auto& c : cases) {
    const LabelledImages data = read_split(default_data_dir(), c.split);
    CHECK(md5(data_test::operator+(data_test::idx_header({c.count, 28, 28}), data.images.pixels)) == c.images_md5);
    CHECK(md5(data_test::operator+(data_test::idx_header({c.count}), data.labels)) == c.labels_md5);
    std::vector<std::uint32_t> per_class(class_count, 0);
    for (const std::uint8_t label : data.labels) ++per_class[label];
    CHECK(per_class == std::vector<std::uint32_t>(class_count, c.count / 10));
  }
}

TEST_CASE("Fashion-MNIST: the default task takes 5,700 normal and 6,000 anomalous images, evenly from the clusters") {
  if (!installed()) return;
  TaskOptions options;
  options.threads = 2;
  const Task task = one_vs_rest(read_split(default_data_dir(), "train"), options);
  CHECK(task.validation.size() == 3000);
  CHECK(task.train_normal.size() == 5700);
  CHECK(task.train_anomalous.size() == 6000);
  for (std::size_t c = 1; c < class_count; ++c) {
    CHECK(task.classes[c].train == (c <= 6 ? 667 : 666));
    REQUIRE(task.classes[c].clusters.size() == 10);
    for (const ClusterDraw& cluster : task.classes[c].clusters) CHECK((cluster.drawn == 66 || cluster.drawn == 67));
  }
}
