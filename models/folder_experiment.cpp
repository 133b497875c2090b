#include <algorithm>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "data/at.h"
#include "data/byte_reader.h"
#include "data/folder_split.h"
#include "data/picture.h"
#include "models/experiment.h"

namespace snag {
namespace {

int threads_of(const Config& config) {
  return config.threads > 0 ? config.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

Labelled labelled(const Images& images, const std::vector<std::uint8_t>& label, const std::vector<int>& indices) {
  Labelled to{pick(images, indices), {}, {}};
  for (const int i : indices) {
    to.label.push_back(label[at(i)]);
    to.anomaly.push_back(label[at(i)] != 0);
  }
  return to;
}

// The mask of an image, which is as large as that.
Picture read_mask(const std::filesystem::path& path, LoadedImages::Size of_image) {
  const auto text = [](int height, int width) { return std::to_string(height) + " x " + std::to_string(width); };
  Picture mask = with_channels(read_picture(path), 1);
  if (mask.height != of_image.height || mask.width != of_image.width)
    fail_at(Exit::data, path,
            "is a mask of " + text(mask.height, mask.width) + " pixels for an image of " +
                text(of_image.height, of_image.width) + "; make it as large as the image");
  return mask;
}

// What is wrong with the test images, [count, size, size]: 255 where most of a pixel is.
Images masks(const ImageFolder& folder, const std::vector<LoadedImages::Size>& sizes, const std::vector<int>& files,
             int size) {
  Images to{static_cast<int>(files.size()), size, size, {}};
  if (std::all_of(files.begin(), files.end(), [&](int f) { return folder.files[at(f)].mask.empty(); })) return {};
  for (const int f : files) {
    const auto& path = folder.files[at(f)].mask;
    if (path.empty()) {
      to.pixels.insert(to.pixels.end(), at(size) * at(size), 0);
      continue;
    }
    Picture mask = read_mask(path, sizes[at(f)]);
    for (std::uint8_t& p : mask.pixels) p = p > 0 ? 255 : 0;
    for (const std::uint8_t p : resample(mask, size).pixels) to.pixels.push_back(p > 127 ? 255 : 0);
  }
  return to;
}

[[noreturn]] void refuse_bad(const LoadedImages& loaded) {
  const std::size_t more = loaded.bad.size() - 1;
  throw Error(loaded.bad[0].code, loaded.bad[0].reason +
                                      (more > 0 ? "; " + std::to_string(more) + " more cannot be read, either" : "") +
                                      "; --on-bad-image skip goes on without such files");
}

std::string list_of(const std::vector<LoadedImages::Bad>& bad) {
  std::string text;
  for (const auto& b : bad) text += b.reason + "\n";
  return text;
}

void check_settings(const Config& config) {
  if (config.normal_class != std::vector<int>{0} || !config.hold_out.empty())
    throw Error(Exit::usage, "--normal-class and --hold-out choose among the classes of IDX files; in " + config.data +
                                 " the folders say what is normal: drop them");
}

}  // namespace

Experiment load_folder_experiment(const Config& config) {
  check_settings(config);
  const ImageFolder folder = find_images(config.data);
  std::vector<std::filesystem::path> paths;
  for (const auto& file : folder.files) paths.push_back(file.path);
  const LoadedImages loaded = load_images(paths, config.size, config.channels, threads_of(config));
  if (!loaded.bad.empty() && config.on_bad_image == "fail") refuse_bad(loaded);

  std::vector<std::uint8_t> label;
  std::vector<bool> test;
  for (const int f : loaded.kept) {
    label.push_back(static_cast<std::uint8_t>(folder.files[at(f)].label));
    test.push_back(folder.files[at(f)].test);
  }
  const bool learns_anomalies = trains(config.model) && !config.normal_only;
  FolderSplit split = split_folder(loaded.images, label, test, folder.parts, folder.classes,
                                   {.test = config.test,
                                    .validation = config.validation,
                                    .train_normal = config.train_normal,
                                    .train_anomalous = config.train_anomalous,
                                    .by_cluster = learns_anomalies && config.sampling != "random",
                                    .clusters = config.clusters,
                                    .seed = config.seed,
                                    .threads = threads_of(config)});
  if (learns_anomalies && split.train_anomalous.empty())
    throw Error(Exit::data, config.data + " has no anomalous images to train on, from which " + config.model +
                                " learns: choose --model autoencoder, knn or pca, or gan with --normal-only");

  std::vector<int> order = split.train_normal;
  if (learns_anomalies) order.insert(order.end(), split.train_anomalous.begin(), split.train_anomalous.end());
  Experiment e{.training = {pick(loaded.images, order), static_cast<int>(split.train_normal.size())},
               .validation = labelled(loaded.images, label, split.validation),
               .test = labelled(loaded.images, label, split.test),
               .account = std::move(split.account),
               .sum = {},
               .class_names = folder.classes,
               .test_files = {},
               .test_masks = {},
               .bad_images = list_of(loaded.bad)};
  std::vector<int> test_files;
  for (const int i : split.test) {
    test_files.push_back(loaded.kept[at(i)]);
    e.test_files.push_back(paths[at(test_files.back())].string());
  }
  e.test_masks = masks(folder, loaded.sizes, test_files, config.size);
  std::string all(loaded.images.pixels.begin(), loaded.images.pixels.end());
  all.append(label.begin(), label.end());
  e.sum = sha256(all);
  e.account.insert(e.account.begin(), std::to_string(loaded.images.count) + " images of " + config.data +
                                          ", resized to " + std::to_string(config.size) + " x " +
                                          std::to_string(config.size) + " x " + std::to_string(loaded.images.channels));
  if (folder.ignored > 0)
    e.account.push_back(std::to_string(folder.ignored) + " files are no .png, .jpg or .jpeg by name: left out");
  if (!loaded.bad.empty())
    e.warnings.push_back(std::to_string(loaded.bad.size()) +
                         " images cannot be read and were left out: see bad_images.txt");
  if (std::count(e.validation.anomaly.begin(), e.validation.anomaly.end(), 1) == 0)
    e.warnings.push_back("no anomalous image is there to choose the threshold by: it is set so that 5 % of " +
                         std::to_string(e.validation.images.count) + " normal images are reported, and is unreliable");
  return e;
}

}  // namespace snag
