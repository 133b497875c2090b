#include "data/image_folder.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "data/at.h"
#include "data/byte_reader.h"
#include "data/parallel.h"
#include "data/picture.h"

namespace snag {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_classes = 256;  // labels are bytes

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

// train/good or train/normal, whichever is there.
std::optional<fs::path> normal_in(const fs::path& part) {
  for (const char* name : {"good", "normal"})
    if (is_folder(part / name)) return part / name;
  return std::nullopt;
}

std::vector<fs::path> folders_in(const fs::path& dir) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(dir, error))
    if (entry.is_directory()) found.push_back(entry.path());
  if (error) fail_at(Exit::io, dir, "cannot be read: " + error.message());
  std::sort(found.begin(), found.end());
  return found;
}

fs::path mask_of(const fs::path& root, const std::string& name, const fs::path& image) {
  const fs::path mask = root / "ground_truth" / name / (image.stem().string() + "_mask.png");
  if (!fs::exists(mask))
    fail_at(Exit::data, image, "has no mask: " + mask.string() + " is not there; add it, or remove ground_truth/");
  return mask;
}

class Finder {
 public:
  explicit Finder(const fs::path& root) : root_(root), masks_(is_folder(root / "ground_truth")) {}

  // All images below `folder`, of class `name`; label 0 for the normal one.
  void add(const fs::path& folder, const std::string& name, bool normal, bool test) {
    const std::vector<fs::path> paths = pictures_in(folder, &found_.ignored);
    if (paths.empty())
      fail_at(Exit::data, folder, "holds no .png, .jpg or .jpeg file; add images, or remove the folder");
    const int label = normal ? 0 : label_of(name);
    for (const fs::path& path : paths)
      found_.files.push_back({path, label, test, test && !normal && masks_ ? mask_of(root_, name, path) : fs::path()});
  }

  void add_part(const fs::path& part, bool test) {
    const std::optional<fs::path> normal = normal_in(part);
    if (normal) add(*normal, normal->filename().string(), true, test);
    for (const fs::path& folder : folders_in(part))
      if (!normal || folder != *normal) add(folder, folder.filename().string(), false, test);
  }

  void name_normal(const std::string& name) { found_.classes.push_back(name); }
  ImageFolder take() { return std::move(found_); }

 private:
  int label_of(const std::string& name) {
    auto& classes = found_.classes;
    const auto it = std::find(classes.begin() + 1, classes.end(), name);
    if (it != classes.end()) return static_cast<int>(it - classes.begin());
    if (classes.size() == most_classes) fail_at(Exit::data, root_, "holds more than 256 classes; join some");
    classes.push_back(name);
    return static_cast<int>(classes.size()) - 1;
  }

  fs::path root_;
  bool masks_;
  ImageFolder found_;
};

}  // namespace

bool holds_image_folders(const fs::path& dir) { return is_folder(dir / "normal") || is_folder(dir / "train"); }

std::vector<fs::path> pictures_in(const fs::path& dir, int* ignored) {
  std::vector<fs::path> found;
  std::error_code error;
  fs::recursive_directory_iterator entry(dir, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    std::error_code gone;
    if (!entry->is_regular_file(gone)) continue;
    if (names_picture(entry->path()))
      found.push_back(entry->path());
    else if (ignored)
      ++*ignored;
  }
  if (error) fail_at(Exit::io, dir, "cannot be read: " + error.message());
  std::sort(found.begin(), found.end());
  return found;
}

ImageFolder find_images(const fs::path& dir) {
  Finder finder(dir);
  if (is_folder(dir / "normal") && is_folder(dir / "train"))
    fail_at(Exit::data, dir, "holds both normal/ and train/; give the folder of one of them");
  if (is_folder(dir / "normal")) {
    finder.name_normal("normal");
    finder.add(dir / "normal", "normal", true, false);
    if (is_folder(dir / "abnormal")) finder.add(dir / "abnormal", "abnormal", false, false);
    return finder.take();
  }
  const std::optional<fs::path> normal = normal_in(dir / "train");
  if (!normal)
    fail_at(Exit::data, dir / "train", "holds neither good/ nor normal/; put the normal images in one of them");
  finder.name_normal(normal->filename().string());
  finder.add_part(dir / "train", false);
  const bool parts = is_folder(dir / "test");
  if (parts) finder.add_part(dir / "test", true);
  ImageFolder found = finder.take();
  found.parts = parts;
  if (parts && std::none_of(found.files.begin(), found.files.end(), [](const auto& f) { return f.test; }))
    fail_at(Exit::data, dir / "test", "holds no folder of images; add test/good/ and test/<defect>/, or remove it");
  return found;
}

LoadedImages load_images(const std::vector<fs::path>& paths, int size, int channels, int threads) {
  std::vector<Picture> pictures(paths.size());
  std::vector<LoadedImages::Size> sizes(paths.size());
  std::vector<std::optional<Error>> failed(paths.size());
  run_tasks(static_cast<int>(paths.size()), threads, [&](int i) {
    try {
      const Picture read = read_picture(paths[at(i)]);
      sizes[at(i)] = {read.height, read.width};
      pictures[at(i)] = resample(read, size);
    } catch (const Error& e) {
      failed[at(i)] = e;
    }
  });
  if (channels == 0)
    channels = std::any_of(pictures.begin(), pictures.end(), [](const Picture& p) { return p.channels == 3; }) ? 3 : 1;
  LoadedImages loaded{{0, size, size, {}, channels}, {}, std::move(sizes), {}};
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (failed[i]) {
      loaded.bad.push_back({paths[i], failed[i]->code(), failed[i]->what()});
      continue;
    }
    const std::vector<std::uint8_t> pixels = with_channels(std::move(pictures[i]), channels).pixels;
    loaded.images.pixels.insert(loaded.images.pixels.end(), pixels.begin(), pixels.end());
    loaded.kept.push_back(static_cast<int>(i));
    ++loaded.images.count;
  }
  return loaded;
}

}  // namespace snag
