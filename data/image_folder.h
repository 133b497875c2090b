#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "data/images.h"

namespace snag {

// The image files of somebody's data set (data/picture.h says which), found by the names of the folders that they lie
// in, however deep. Two layouts:
//   normal/  and abnormal/, which may be absent
//   train/good/  and test/<class>/, with masks in ground_truth/<class>/<name>_mask.png where there are any: MVTec's.
//     train/ may hold anomalies, too, as train/<class>/; "normal" may stand for "good"; without test/, as above.
struct ImageFolder {
  struct File {
    std::filesystem::path path;
    int label = 0;               // an index of `classes`
    bool test = false;           // lies in test/
    std::filesystem::path mask;  // of what is wrong with it; empty where it has none
  };
  std::vector<File> files;           // train/ before test/, by class, then by path
  std::vector<std::string> classes;  // the names of the folders; 0 is the normal one
  bool parts = false;                // there is a test/
  int ignored = 0;                   // files whose names are not those of pictures
};

// Is this one of the layouts above (and not IDX files)?
bool holds_image_folders(const std::filesystem::path& dir);

// Throws Exit::data where a folder that must hold images has none, both layouts are mixed, a mask is missing or there
// are more than 256 classes; Exit::io where a folder cannot be read.
ImageFolder find_images(const std::filesystem::path& dir);

// All pictures in a folder, however deep, by path; counts other files in *ignored.
std::vector<std::filesystem::path> pictures_in(const std::filesystem::path& dir, int* ignored = nullptr);

// Image files as bytes of one size and number of channels.
struct LoadedImages {
  Images images;
  std::vector<int> kept;  // which of the paths they are, ascending
  struct Size {
    int height = 0, width = 0;
  };
  std::vector<Size> sizes;  // of each path's image as it was read, before it was resampled; 0 where it was not
  struct Bad {
    std::filesystem::path path;
    Exit code;
    std::string reason;  // one line that names the path
  };
  std::vector<Bad> bad;  // what cannot be read
};

// channels 0: 3 where any image has colour, else 1. The result does not depend on `threads`.
LoadedImages load_images(const std::vector<std::filesystem::path>& paths, int size, int channels, int threads);

}  // namespace snag
